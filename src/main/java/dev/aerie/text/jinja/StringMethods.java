package dev.aerie.text.jinja;

import java.util.List;
import java.util.Locale;

/** Methods of {@code str}. */
final class StringMethods {

    @FunctionalInterface
    private interface Method {

        Object apply(String text, Given given);
    }

    private StringMethods() {}

    /** @return the method bound to the text, or null if there is none of that name */
    static Callable bound(String text, String name) {
        Method method = method(name);
        return method == null ? null : (arguments, named) -> method.apply(text, new Given("str." + name, arguments, named));
    }

    private static Method method(String name) {
        return switch (name) {
            case "strip" -> (text, given) -> PythonStrings.strip(text, given.text(0, "chars", null));
            case "lstrip" -> (text, given) -> PythonStrings.stripStart(text, given.text(0, "chars", null));
            case "rstrip" -> (text, given) -> PythonStrings.stripEnd(text, given.text(0, "chars", null));
            case "split" -> (text, given) ->
                    PythonStrings.split(text, given.text(0, "sep", null), given.integer(1, "maxsplit", -1));
            case "rsplit" -> (text, given) ->
                    PythonStrings.splitFromEnd(text, given.text(0, "sep", null), given.integer(1, "maxsplit", -1));
            case "splitlines" -> (text, given) -> PythonStrings.lines(text, given.truth(0, "keepends", false));
            case "partition" -> (text, given) -> parted(text, given, text.indexOf(given.requiredText(0, "sep")), true);
            case "rpartition" -> (text, given) -> parted(text, given, text.lastIndexOf(given.requiredText(0, "sep")), false);
            case "startswith" -> (text, given) -> any(given.required(0, "prefix"), within(text, given)::startsWith);
            case "endswith" -> (text, given) -> any(given.required(0, "suffix"), within(text, given)::endsWith);
            case "removeprefix" -> (text, given) -> {
                String prefix = given.requiredText(0, "prefix");
                return text.startsWith(prefix) ? text.substring(prefix.length()) : text;
            };
            case "removesuffix" -> (text, given) -> {
                String suffix = given.requiredText(0, "suffix");
                return text.endsWith(suffix) ? text.substring(0, text.length() - suffix.length()) : text;
            };
            case "find" -> (text, given) -> found(text, given, false);
            case "rfind" -> (text, given) -> found(text, given, true);
            case "index" -> (text, given) -> required(found(text, given, false));
            case "rindex" -> (text, given) -> required(found(text, given, true));
            case "count" -> (text, given) ->
                    (long) PythonStrings.split(within(text, given), given.requiredText(0, "sub"), -1).size() - 1;
            case "replace" -> (text, given) ->
                    replaced(text, given.requiredText(0, "old"), given.requiredText(1, "new"), given.integer(2, "count", -1));
            case "join" -> (text, given) -> joined(text, PythonValues.elements(given.required(0, "iterable")));
            case "format" -> (text, given) -> StringFormat.braces(text, given.positional(), given.named());
            default -> shape(name);
        };
    }

    /** Returns the ones that take no text. */
    private static Method shape(String name) {
        return switch (name) {
            case "upper" -> (text, given) -> text.toUpperCase(Locale.ROOT);
            case "lower" -> (text, given) -> text.toLowerCase(Locale.ROOT);
            case "casefold" -> (text, given) -> text.toUpperCase(Locale.ROOT).toLowerCase(Locale.ROOT);
            case "title" -> (text, given) -> PythonStrings.title(text);
            case "capitalize" -> (text, given) -> PythonStrings.capitalize(text);
            case "isdecimal" -> (text, given) -> all(text, Character::isDigit);
            case "isdigit" -> (text, given) -> all(text, c -> Character.isDigit(c) || c == 0xb2 || c == 0xb3 || c == 0xb9
                    || c >= 0x2070 && c <= 0x2079 && Character.getType(c) == Character.OTHER_NUMBER
                    || c >= 0x2080 && c <= 0x2089 || c >= 0x2460 && c <= 0x2468);
            case "isnumeric" -> (text, given) -> all(text, c -> Character.isDigit(c)
                    || Character.getType(c) == Character.OTHER_NUMBER || Character.getType(c) == Character.LETTER_NUMBER);
            case "isascii" -> (text, given) -> text.chars().allMatch(c -> c < 0x80);
            case "center" -> (text, given) -> {
                int missing = missing(text, given);
                int left = missing / 2 + (missing & (int) given.integer(0, "width", 0) & 1);
                String fill = given.text(1, "fillchar", " ");
                return fill.repeat(left) + text + fill.repeat(missing - left);
            };
            case "swapcase" -> (text, given) -> swapped(text);
            case "isalpha" -> (text, given) -> all(text, Character::isLetter);
            case "isalnum" -> (text, given) -> all(text, Character::isLetterOrDigit);
            case "isspace" -> (text, given) -> all(text, PythonStrings::isSpace);
            case "isupper" -> (text, given) -> Tests.holds("upper", text, List.of());
            case "islower" -> (text, given) -> Tests.holds("lower", text, List.of());
            case "ljust" -> (text, given) -> text + padding(text, given);
            case "rjust" -> (text, given) -> padding(text, given) + text;
            case "zfill" -> (text, given) -> {
                String zeros = "0".repeat(missing(text, given));
                return text.startsWith("-") || text.startsWith("+") ? text.charAt(0) + zeros + text.substring(1) : zeros + text;
            };
            default -> null;
        };
    }

    private static String swapped(String text) {
        StringBuilder swapped = new StringBuilder();
        text.codePoints().mapToObj(Character::toString).forEach(c -> {
            String lower = c.toLowerCase(Locale.ROOT);
            swapped.append(c.equals(lower) ? c.toUpperCase(Locale.ROOT) : lower);
        });
        return swapped.toString();
    }

    private static boolean all(String text, java.util.function.IntPredicate condition) {
        return !text.isEmpty() && text.codePoints().allMatch(condition);
    }

    private static int missing(String text, Given given) {
        PythonValues.index(given.required(0, "width"), "a width");
        long missing = Math.max(0, given.integer(0, "width", 0) - PythonValues.length(text));
        Budget.requireLength(missing);
        return (int) missing;
    }

    private static String padding(String text, Given given) {
        return given.text(1, "fillchar", " ").repeat(missing(text, given));
    }

    /** Returns the part of the text that the second and third argument bound. */
    private static String within(String text, Given given) {
        return given.positional().size() < 2 ? text
                : (String) Members.slice(text, given.get(1, "start", null), given.get(2, "end", null), null);
    }

    private static long found(String text, Given given, boolean last) {
        String part = given.requiredText(0, "sub");
        String within = within(text, given);
        int at = last ? within.lastIndexOf(part) : within.indexOf(part);
        if (at < 0) {
            return -1;
        }
        long start = given.positional().size() < 2 || given.get(1, "start", null) == null ? 0 : given.integer(1, "start", 0);
        long length = PythonValues.length(text);
        return Math.max(0, Math.min(length, start < 0 ? start + length : start)) + within.codePointCount(0, at);
    }

    private static Object required(long at) {
        if (at < 0) {
            throw new TemplateException("substring not found");
        }
        return at;
    }

    private static boolean any(Object affixes, java.util.function.Predicate<String> condition) {
        if (affixes instanceof Tuple tuple) {
            return tuple.stream().anyMatch(affix -> any(affix, condition));
        }
        if (Markup.plain(affixes) instanceof String affix) {
            return condition.test(affix);
        }
        throw affixes instanceof Undefined undefined ? undefined.failure()
                : new TemplateException("startswith and endswith take a string, not " + PythonValues.typeName(affixes));
    }

    private static Tuple parted(String text, Given given, int at, boolean fromStart) {
        String separator = given.requiredText(0, "sep");
        if (at < 0) {
            return new Tuple(fromStart ? List.of(text, "", "") : List.of("", "", text));
        }
        return new Tuple(List.of(text.substring(0, at), separator, text.substring(at + separator.length())));
    }

    static String joined(String separator, List<Object> parts) {
        StringBuilder text = new StringBuilder();
        String before = "";
        for (Object part : parts) {
            if (!(Markup.plain(part) instanceof String word)) {
                throw new TemplateException("join takes strings, not " + PythonValues.typeName(part));
            }
            text.append(before).append(word);
            before = separator;
            Budget.requireLength(text.length());
        }
        return text.toString();
    }

    /** @param count how many at most, from the start; negative for all */
    static String replaced(String text, String old, String replacement, long count) {
        if (old.isEmpty()) {
            return spread(text, replacement, count);
        }
        StringBuilder result = new StringBuilder();
        int from = 0;
        for (long left = count; left != 0; left--) {
            int at = text.indexOf(old, from);
            if (at < 0) {
                break;
            }
            result.append(text, from, at).append(replacement);
            Budget.requireLength(result.length());
            from = at + old.length();
        }
        return result.append(text, from, text.length()).toString();
    }

    /** Python replaces the empty string before every character and at the end. */
    private static String spread(String text, String replacement, long count) {
        Budget.requireLength((long) (text.length() + 1) * (replacement.length() + 1));
        StringBuilder result = new StringBuilder();
        long left = count < 0 ? Long.MAX_VALUE : count;
        for (int c : text.codePoints().toArray()) {
            result.append(left-- > 0 ? replacement : "").appendCodePoint(c);
        }
        return result.append(left > 0 ? replacement : "").toString();
    }
}
