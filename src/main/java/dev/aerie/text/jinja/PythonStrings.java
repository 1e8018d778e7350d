package dev.aerie.text.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Python's string functions: white space, splitting, stripping and literals. */
final class PythonStrings {

    private PythonStrings() {}

    /** {@code str.isspace}: Java's two notions of white space each miss some of these. */
    static boolean isSpace(int c) {
        return c >= 9 && c <= 13 || c >= 0x1c && c <= 0x20 || c == 0x85 || c == 0xa0 || c == 0x1680
                || c >= 0x2000 && c <= 0x200a || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
    }

    static String strip(String text, String characters) {
        return stripStart(stripEnd(text, characters), characters);
    }

    static String stripEnd(String text) {
        return stripEnd(text, null);
    }

    /** @param characters those to remove, or null for white space */
    static String stripEnd(String text, String characters) {
        int end = text.length();
        while (end > 0) {
            int c = text.codePointBefore(end);
            if (!strippable(c, characters)) {
                break;
            }
            end -= Character.charCount(c);
        }
        return text.substring(0, end);
    }

    static String stripStart(String text, String characters) {
        int start = 0;
        while (start < text.length()) {
            int c = text.codePointAt(start);
            if (!strippable(c, characters)) {
                break;
            }
            start += Character.charCount(c);
        }
        return text.substring(start);
    }

    private static boolean strippable(int c, String characters) {
        return characters == null ? isSpace(c) : characters.indexOf(c) >= 0;
    }

    /** {@code str.split}: without a separator, at runs of white space and with no empty parts. */
    static List<Object> split(String text, String separator, long limit) {
        List<Object> parts = new ArrayList<>();
        int from = 0;
        if (separator == null) {
            int length = text.length();
            while (true) {
                while (from < length && isSpace(text.charAt(from))) {
                    from++;
                }
                if (from == length) {
                    return parts;
                }
                if (limit >= 0 && parts.size() == limit) {
                    parts.add(stripEnd(text.substring(from)));
                    return parts;
                }
                int start = from;
                while (from < length && !isSpace(text.charAt(from))) {
                    from++;
                }
                parts.add(text.substring(start, from));
            }
        }
        requireSeparator(separator);
        while (limit < 0 || parts.size() < limit) {
            int at = text.indexOf(separator, from);
            if (at < 0) {
                break;
            }
            parts.add(text.substring(from, at));
            from = at + separator.length();
        }
        parts.add(text.substring(from));
        return parts;
    }

    static List<Object> splitFromEnd(String text, String separator, long limit) {
        if (limit < 0) {
            return split(text, separator, -1);
        }
        if (separator == null) {
            return splitFromEndAtSpace(text, limit);
        }
        requireSeparator(separator);
        List<Object> parts = new ArrayList<>();
        int end = text.length();
        while (parts.size() < limit) {
            int at = text.lastIndexOf(separator, end - separator.length());
            if (at < 0) {
                break;
            }
            parts.add(0, text.substring(at + separator.length(), end));
            end = at;
        }
        parts.add(0, text.substring(0, end));
        return parts;
    }

    private static List<Object> splitFromEndAtSpace(String text, long limit) {
        List<Object> parts = new ArrayList<>();
        int end = stripEnd(text).length();
        while (end > 0 && parts.size() < limit) {
            int start = end;
            while (start > 0 && !isSpace(text.charAt(start - 1))) {
                start--;
            }
            parts.add(0, text.substring(start, end));
            end = stripEnd(text.substring(0, start)).length();
        }
        if (end > 0) {
            parts.add(0, stripStart(text.substring(0, end), null));
        }
        return parts;
    }

    private static void requireSeparator(String separator) {
        if (separator.isEmpty()) {
            throw new TemplateException("empty separator");
        }
    }

    static List<Object> lines(String text, boolean keepEnds) {
        List<Object> lines = new ArrayList<>();
        int start = 0;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c >= 10 && c <= 13 || c >= 0x1c && c <= 0x1e || c == 0x85 || c == 0x2028 || c == 0x2029) {
                int next = c == '\r' && i + 1 < text.length() && text.charAt(i + 1) == '\n' ? i + 2 : i + 1;
                lines.add(text.substring(start, keepEnds ? next : i));
                start = next;
                i = next - 1;
            }
        }
        if (start < text.length()) {
            lines.add(text.substring(start));
        }
        return lines;
    }

    /** First letter upper, the others lower. */
    static String capitalize(String text) {
        if (text.isEmpty()) {
            return text;
        }
        int first = text.offsetByCodePoints(0, 1);
        return text.substring(0, first).toUpperCase(java.util.Locale.ROOT)
                + text.substring(first).toLowerCase(java.util.Locale.ROOT);
    }

    static String title(String text) {
        StringBuilder title = new StringBuilder(text.length());
        boolean inWord = false;
        for (int c : text.codePoints().toArray()) {
            title.appendCodePoint(inWord ? Character.toLowerCase(c) : Character.toTitleCase(c));
            inWord = Character.isLetter(c);
        }
        return title.toString();
    }

    /** Returns the content of a string literal, its escapes replaced. Those Python does not know stay as they are. */
    static String unescape(String literal, int line) {
        if (literal.indexOf('\\') < 0) {
            return literal;
        }
        StringBuilder text = new StringBuilder(literal.length());
        for (int i = 0; i < literal.length(); i++) {
            char c = literal.charAt(i);
            if (c != '\\') {
                text.append(c);
                continue;
            }
            char escape = literal.charAt(++i);
            int simple = "\\'\"abfnrtv".indexOf(escape);
            if (simple >= 0) {
                text.append("\\'\"\007\b\f\n\r\t\013".charAt(simple));
            } else if (escape == 'x' || escape == 'u' || escape == 'U') {
                int digits = escape == 'x' ? 2 : escape == 'u' ? 4 : 8;
                text.appendCodePoint(codePoint(literal, i + 1, digits, line));
                i += digits;
            } else if (escape >= '0' && escape <= '7') {
                int end = i;
                while (end < literal.length() && end < i + 3 && literal.charAt(end) >= '0' && literal.charAt(end) <= '7') {
                    end++;
                }
                text.append((char) Integer.parseInt(literal.substring(i, end), 8));
                i = end - 1;
            } else if (escape != '\n') {
                text.append('\\').append(escape);
            }
        }
        return text.toString();
    }

    private static int codePoint(String literal, int from, int digits, int line) {
        try {
            int code = Integer.parseInt(literal.substring(from, from + digits), 16);
            if (Character.isValidCodePoint(code)) {
                return code;
            }
        } catch (IndexOutOfBoundsException | NumberFormatException e) {
            // Answered below: both mean the same to the reader.
        }
        throw new TemplateException("Invalid escape in a string literal (expected " + digits + " hexadecimal digits)", line);
    }

    /** {@code repr} of a string. */
    static String quoted(String text) {
        char quote = text.indexOf('\'') >= 0 && text.indexOf('"') < 0 ? '"' : '\'';
        StringBuilder quoted = new StringBuilder(text.length() + 2).append(quote);
        for (int c : text.codePoints().toArray()) {
            switch (c) {
                case '\n' -> quoted.append("\\n");
                case '\r' -> quoted.append("\\r");
                case '\t' -> quoted.append("\\t");
                case '\\' -> quoted.append("\\\\");
                default -> {
                    if (c == quote) {
                        quoted.append('\\').append(quote);
                    } else if (printable(c)) {
                        quoted.appendCodePoint(c);
                    } else {
                        quoted.append(c < 0x100 ? String.format(Locale.ROOT, "\\x%02x", c)
                                : c < 0x10000 ? String.format(Locale.ROOT, "\\u%04x", c)
                                : String.format(Locale.ROOT, "\\U%08x", c));
                    }
                }
            }
        }
        return quoted.append(quote).toString();
    }

    private static boolean printable(int c) {
        return c == ' ' || switch (Character.getType(c)) {
            case Character.CONTROL, Character.FORMAT, Character.SURROGATE, Character.PRIVATE_USE, Character.UNASSIGNED,
                    Character.SPACE_SEPARATOR, Character.LINE_SEPARATOR, Character.PARAGRAPH_SEPARATOR -> false;
            default -> true;
        };
    }
}
