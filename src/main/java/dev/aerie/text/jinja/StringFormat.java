package dev.aerie.text.jinja;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Python's two kinds of string formatting, as far as templates use them: {@code "%s" % x} and {@code "{}".format(x)}. */
final class StringFormat {

    private static final Pattern PERCENT = Pattern.compile("%(?:\\((\\w+)\\))?([-0 +#]*)(\\d*)(?:\\.(\\d+))?(.)", Pattern.DOTALL);
    private static final Pattern BRACES = Pattern.compile("\\{\\{|}}|\\{(\\w*)}|[{}]");
    private static final int MAX_WIDTH = 1000;

    private StringFormat() {}

    static String percent(String format, Object values) {
        Object[] arguments = values instanceof Tuple tuple ? tuple.toArray() : new Object[] {values};
        Matcher matcher = PERCENT.matcher(format);
        StringBuilder text = new StringBuilder();
        int copied = 0;
        int next = 0;
        while (matcher.find()) {
            text.append(format, copied, matcher.start());
            copied = matcher.end();
            if (matcher.group(5).equals("%")) {
                text.append('%');
                continue;
            }
            Object value;
            if (matcher.group(1) != null) {
                value = values instanceof Map<?, ?> map ? map.get(matcher.group(1)) : null;
            } else if (next < arguments.length) {
                value = arguments[next++];
            } else {
                throw new TemplateException("not enough arguments for the format string " + PythonStrings.quoted(format));
            }
            text.append(converted(matcher, value));
            Budget.requireLength(text.length());
        }
        if (next < arguments.length && !(values instanceof Map)) {
            throw new TemplateException("not all arguments of the format string " + PythonStrings.quoted(format) + " are used");
        }
        return text.append(format, copied, format.length()).toString();
    }

    private static String converted(Matcher directive, Object value) {
        String flags = directive.group(2);
        int width = directive.group(3).isEmpty() ? 0 : bounded(directive.group(3));
        String precision = directive.group(4) == null ? "" : "." + bounded(directive.group(4));
        String plain = switch (directive.group(5)) {
            case "s" -> cut(PythonValues.text(value), precision);
            case "r" -> cut(PythonValues.repr(value), precision);
            case "d", "i" -> (flags.contains("+") && PythonValues.compare(value, 0L) >= 0 ? "+" : "") + whole(value);
            case "x" -> PythonValues.integer(whole(value)).toString(16);
            case "f" -> fixed(((Number) number(value)).doubleValue(),
                    precision.isEmpty() ? 6 : Integer.parseInt(directive.group(4)));
            default -> throw new TemplateException("unsupported format directive '" + directive.group() + "'");
        };
        if (plain.length() >= width) {
            return plain;
        }
        String padding = (flags.contains("0") && !flags.contains("-") ? "0" : " ").repeat(width - plain.length());
        return flags.contains("-") ? plain + padding : padding + plain;
    }

    /** Of the double's exact value: Java's own %f rounds the shortest decimal and gets 1.005 wrong. */
    private static String fixed(double value, int digits) {
        return Double.isFinite(value) ? new BigDecimal(value).setScale(digits, RoundingMode.HALF_EVEN).toPlainString()
                : PythonValues.real(value);
    }

    private static Object whole(Object value) {
        return value instanceof Double d && Double.isFinite(d)
                ? Arithmetic.narrowed(new BigDecimal(d).toBigInteger()) : Arithmetic.add(value, 0L);
    }

    private static Object number(Object value) {
        return Arithmetic.add(value, 0L);
    }

    private static int bounded(String digits) {
        if (digits.length() > 4 || Integer.parseInt(digits) > MAX_WIDTH) {
            throw new TemplateException("format width " + digits + " is over " + MAX_WIDTH);
        }
        return Integer.parseInt(digits);
    }

    private static String cut(String text, String precision) {
        int limit = precision.isEmpty() ? text.length() : Integer.parseInt(precision.substring(1));
        return text.length() <= limit ? text : text.substring(0, limit);
    }

    static String braces(String format, List<Object> arguments, Map<String, Object> named) {
        Matcher matcher = BRACES.matcher(format);
        StringBuilder text = new StringBuilder();
        int copied = 0;
        int next = 0;
        while (matcher.find()) {
            text.append(format, copied, matcher.start());
            copied = matcher.end();
            String field = matcher.group(1);
            if (field == null) {
                if (matcher.group().length() == 1) {
                    throw new TemplateException("unsupported field in the format string " + PythonStrings.quoted(format));
                }
                text.append(matcher.group().charAt(0));
                continue;
            }
            boolean positional = field.isEmpty() || field.chars().allMatch(Character::isDigit) && field.length() < 4;
            int index = field.isEmpty() ? next++ : positional ? Integer.parseInt(field) : 0;
            if (positional ? index >= arguments.size() : !named.containsKey(field)) {
                throw new TemplateException("the format string " + PythonStrings.quoted(format)
                        + " asks for an argument it is not given");
            }
            text.append(PythonValues.text(positional ? arguments.get(index) : named.get(field)));
            Budget.requireLength(text.length());
        }
        return text.append(format, copied, format.length()).toString();
    }
}
