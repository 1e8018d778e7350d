package dev.aerie.text.jinja;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The filters, which follow {@code |}. Those that apply others to a sequence are in {@link SequenceFilters}. */
final class Filters {

    @FunctionalInterface
    interface Function {

        Object apply(Object input, Given given);
    }

    private static final Pattern NUMBER = Pattern.compile("\\s*([-+]?\\d+)(\\.\\d*)?([eE][-+]?\\d+)?\\s*");
    private static final Pattern WORD = Pattern.compile("\\w+", Pattern.UNICODE_CHARACTER_CLASS);
    /** What begins a word for the filter {@code title}: not an apostrophe, as it does for the method of that name. */
    private static final Pattern TITLE_BREAK = Pattern.compile("[-\\s({\\[<]+", Pattern.UNICODE_CHARACTER_CLASS);
    private static final Map<String, Function> FILTERS = new HashMap<>();

    static {
        texts();
        numbers();
        values();
        SequenceFilters.register(FILTERS);
    }

    private Filters() {}

    static boolean known(String name) {
        return FILTERS.containsKey(name);
    }

    static Object apply(String name, Object input, Given given) {
        Function filter = FILTERS.get(name);
        if (filter == null) {
            throw new TemplateException("there is no filter '" + name + "'");
        }
        // Only these four know marked text from plain text.
        boolean marks = name.equals("safe") || name.equals("escape") || name.equals("e") || name.equals("string");
        return filter.apply(marks ? input : Markup.plain(input), given);
    }

    private static void texts() {
        FILTERS.put("trim", (v, g) -> PythonStrings.strip(PythonValues.text(v), g.text(0, "chars", null)));
        FILTERS.put("upper", (v, g) -> PythonValues.text(v).toUpperCase(Locale.ROOT));
        FILTERS.put("lower", (v, g) -> PythonValues.text(v).toLowerCase(Locale.ROOT));
        FILTERS.put("title", (v, g) -> titled(PythonValues.text(v)));
        FILTERS.put("capitalize", (v, g) -> PythonStrings.capitalize(PythonValues.text(v)));
        FILTERS.put("replace", (v, g) -> StringMethods.replaced(PythonValues.text(v),
                PythonValues.text(g.required(0, "old")), PythonValues.text(g.required(1, "new")), g.integer(2, "count", -1)));
        FILTERS.put("string", (v, g) -> v instanceof Markup ? v : PythonValues.text(v));
        FILTERS.put("safe", (v, g) -> new Markup(PythonValues.text(v)));
        FILTERS.put("escape", (v, g) -> Markup.escaped(v));
        FILTERS.put("e", FILTERS.get("escape"));
        FILTERS.put("forceescape", FILTERS.get("escape"));
        FILTERS.put("indent", Filters::indented);
        FILTERS.put("center", Filters::centred);
        FILTERS.put("truncate", Filters::truncated);
        FILTERS.put("wordcount", (v, g) -> WORD.matcher(PythonValues.text(v)).results().count());
        FILTERS.put("format", (v, g) -> StringFormat.percent(PythonValues.text(v),
                g.named().isEmpty() ? new Tuple(g.positional()) : g.named()));
    }

    private static void numbers() {
        FILTERS.put("abs", (v, g) -> Arithmetic.absolute(v));
        FILTERS.put("int", (v, g) -> number(v, false, g.get(0, "default", 0L)));
        FILTERS.put("float", (v, g) -> number(v, true, g.get(0, "default", 0.0)));
        FILTERS.put("round", Filters::rounded);
    }

    private static void values() {
        FILTERS.put("default", (v, g) -> v instanceof Undefined || g.truth(1, "boolean", false) && !PythonValues.truth(v)
                ? g.get(0, "default_value", "") : v);
        FILTERS.put("d", FILTERS.get("default"));
        FILTERS.put("tojson", Filters::json);
        FILTERS.put("length", (v, g) -> PythonValues.length(v));
        FILTERS.put("count", FILTERS.get("length"));
        FILTERS.put("items", (v, g) -> new Lazy(() -> {
            if (v instanceof Undefined) {
                return List.of();
            }
            if (v instanceof Map<?, ?> map) {
                return Members.pairs(map);
            }
            throw new TemplateException("the filter items takes a mapping, not " + PythonValues.typeName(v));
        }));
        FILTERS.put("dictsort", (v, g) -> {
            if (!(v instanceof Map<?, ?> map)) {
                throw new TemplateException("the filter dictsort takes a mapping, not " + PythonValues.typeName(v));
            }
            return Members.sortedPairs(map, g.truth(0, "case_sensitive", false),
                    "value".equals(g.text(1, "by", "key")), g.truth(2, "reverse", false));
        });
        FILTERS.put("attr", (v, g) -> Members.attribute(v instanceof Map ? Map.of() : v, g.requiredText(0, "name")));
        FILTERS.put("reverse", (v, g) -> {
            if (v instanceof String text) {
                return new StringBuilder(text).reverse().toString();
            }
            List<Object> reversed = new ArrayList<>(PythonValues.elements(v));
            Collections.reverse(reversed);
            return v instanceof Lazy ? reversed : new Lazy(() -> reversed);
        });
    }

    private static String titled(String text) {
        StringBuilder title = new StringBuilder(text.length());
        Matcher matcher = TITLE_BREAK.matcher(text);
        int from = 0;
        while (matcher.find()) {
            title.append(PythonStrings.capitalize(text.substring(from, matcher.start()))).append(matcher.group());
            from = matcher.end();
        }
        return title.append(PythonStrings.capitalize(text.substring(from))).toString();
    }

    private static Object json(Object value, Given given) {
        Object indent = given.get(1, "indent", null);
        String unit = indent == null ? null : indent instanceof String s ? s
                : " ".repeat((int) Math.max(0, Math.min(64, PythonValues.index(indent, "tojson's indent"))));
        List<Object> separators = PythonValues.elements(given.get(2, "separators", List.of()) == null ? List.of()
                : given.get(2, "separators", List.of()));
        String item = separators.size() == 2 ? PythonValues.text(separators.get(0)) : unit == null ? ", " : ",";
        String key = separators.size() == 2 ? PythonValues.text(separators.get(1)) : ": ";
        boolean ascii = given.truth(0, "ensure_ascii", false);
        return new JsonText(ascii, unit, item, key, given.truth(3, "sort_keys", false)).write(value);
    }

    private static Object indented(Object value, Given given) {
        Object width = given.get(0, "width", 4L);
        String unit = width instanceof String s ? s
                : " ".repeat((int) Math.max(0, Math.min(1000, PythonValues.index(width, "indent's width"))));
        boolean blank = given.truth(2, "blank", false);
        StringBuilder text = new StringBuilder();
        boolean first = true;
        // jinja2 adds a line end so that a last empty line counts, and then splits at all that Python calls one.
        for (Object each : PythonStrings.lines(PythonValues.text(value) + "\n", false)) {
            String line = (String) each;
            boolean indent = first ? given.truth(1, "first", false) : blank || !line.isEmpty();
            text.append(first ? "" : "\n").append(indent ? unit : "").append(line);
            Budget.requireLength(text.length());
            first = false;
        }
        return text.toString();
    }

    private static Object centred(Object value, Given given) {
        String text = PythonValues.text(value);
        long missing = Math.max(0, given.integer(0, "width", 80) - PythonValues.length(text));
        Budget.requireLength(missing);
        int left = (int) (missing / 2 + (missing & given.integer(0, "width", 80) & 1));
        return " ".repeat(left) + text + " ".repeat((int) missing - left);
    }

    private static Object truncated(Object value, Given given) {
        String text = PythonValues.text(value);
        int length = (int) given.integer(0, "length", 255);
        String end = given.text(2, "end", "...");
        if (PythonValues.length(text) <= length + given.integer(3, "leeway", 5)) {
            return text;
        }
        String cut = (String) Members.slice(text, null, Math.max(0, length - PythonValues.length(end)), null);
        int lastSpace = cut.lastIndexOf(' ');
        return (given.truth(1, "killwords", false) || lastSpace < 0 ? cut : cut.substring(0, lastSpace)) + end;
    }

    private static Object number(Object value, boolean real, Object fallback) {
        if (value instanceof Boolean b) {
            return real ? (Object) (b ? 1.0 : 0.0) : (Object) (b ? 1L : 0L);
        }
        if (value instanceof Double d && !real) {
            return d.longValue();
        }
        if (value instanceof Number n) {
            return real ? (Object) n.doubleValue() : n;
        }
        if (value instanceof String text) {
            Matcher matcher = NUMBER.matcher(text);
            if (matcher.matches() && matcher.group(1).length() < 18) {
                double parsed = Double.parseDouble(text.strip());
                return real ? (Object) parsed : matcher.group(2) == null && matcher.group(3) == null
                        ? (Object) Long.parseLong(matcher.group(1)) : (Object) (long) parsed;
            }
        }
        return fallback;
    }

    private static Object rounded(Object value, Given given) {
        Object sum = Arithmetic.add(value, 0L);
        int precision = (int) Math.max(-300, Math.min(300, given.integer(0, "precision", 0)));
        RoundingMode mode = switch (given.text(1, "method", "common")) {
            case "ceil" -> RoundingMode.CEILING;
            case "floor" -> RoundingMode.FLOOR;
            default -> RoundingMode.HALF_EVEN;
        };
        if (PythonValues.isInteger(sum) && mode == RoundingMode.HALF_EVEN) {
            return precision >= 0 ? sum : PythonValues.integer(sum).equals(java.math.BigInteger.ZERO) ? sum
                    : Arithmetic.narrowed(new BigDecimal(PythonValues.integer(sum)).setScale(precision, mode).toBigInteger());
        }
        double number = ((Number) sum).doubleValue();
        return Double.isFinite(number) ? new BigDecimal(number).setScale(precision, mode).doubleValue() : number;
    }
}
