package dev.aerie.text.jinja;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Writes values as Python's {@code json.dumps} does, which is what Hugging Face's {@code tojson} filter calls. */
final class JsonText {

    private final boolean ascii;
    private final String indent;
    private final String itemSeparator;
    private final String keySeparator;
    private final boolean sorted;
    private final StringBuilder text = new StringBuilder();

    /**
     * @param indent what one level adds to a line, or null for one line
     */
    JsonText(boolean ascii, String indent, String itemSeparator, String keySeparator, boolean sorted) {
        this.ascii = ascii;
        this.indent = indent;
        this.itemSeparator = itemSeparator;
        this.keySeparator = keySeparator;
        this.sorted = sorted;
    }

    String write(Object value) {
        value(value, 0);
        return text.toString();
    }

    private void value(Object value, int depth) {
        Budget.requireLength(text.length());
        if (depth > 200) {
            throw new TemplateException("a value nested more than 200 deep is not written as JSON");
        }
        if (value instanceof Markup markup) {
            string(markup.text());
        } else if (value == null) {
            text.append("null");
        } else if (value instanceof Boolean || value instanceof Long || value instanceof BigInteger) {
            text.append(value);
        } else if (value instanceof Double d) {
            text.append(d.isNaN() ? "NaN" : d.isInfinite() ? d > 0 ? "Infinity" : "-Infinity" : PythonValues.real(d));
        } else if (value instanceof String s) {
            string(s);
        } else if (value instanceof Map<?, ?> map) {
            object(map, depth);
        } else if (value instanceof List<?> elements) {
            array(elements, depth);
        } else {
            throw value instanceof Undefined undefined ? undefined.failure()
                    : new TemplateException("Object of type " + PythonValues.typeName(value) + " is not JSON serializable");
        }
    }

    private void object(Map<?, ?> map, int depth) {
        List<Object> keys = new ArrayList<>(map.keySet());
        if (sorted) {
            keys.sort(PythonValues::compare);
        }
        text.append('{');
        for (int i = 0; i < keys.size(); i++) {
            separate(i, depth);
            Object key = keys.get(i);
            string(key instanceof String s ? s : new JsonText(ascii, null, ", ", ": ", false).write(key));
            text.append(keySeparator);
            value(map.get(key), depth + 1);
        }
        close('}', keys.isEmpty(), depth);
    }

    private void array(List<?> elements, int depth) {
        text.append('[');
        int i = 0;
        for (Object element : elements) {
            separate(i++, depth);
            value(element, depth + 1);
        }
        close(']', elements.isEmpty(), depth);
    }

    private void separate(int position, int depth) {
        if (position > 0) {
            text.append(itemSeparator);
        }
        if (indent != null) {
            text.append('\n').append(indent.repeat(depth + 1));
        }
    }

    private void close(char bracket, boolean empty, int depth) {
        if (indent != null && !empty) {
            text.append('\n').append(indent.repeat(depth));
        }
        text.append(bracket);
    }

    private void string(String s) {
        text.append('"');
        for (int i = 0; i < s.length(); i++) {
            char c = s.charAt(i);
            switch (c) {
                case '"' -> text.append("\\\"");
                case '\\' -> text.append("\\\\");
                case '\n' -> text.append("\\n");
                case '\r' -> text.append("\\r");
                case '\t' -> text.append("\\t");
                case '\b' -> text.append("\\b");
                case '\f' -> text.append("\\f");
                default -> {
                    if (c < 0x20 || ascii && c > 0x7e) {
                        text.append(String.format(Locale.ROOT, "\\u%04x", (int) c));
                    } else {
                        text.append(c);
                    }
                }
            }
        }
        text.append('"');
    }
}
