package dev.aerie.text.jinja;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Python's truth, equality, order and text of values. */
final class PythonValues {

    private PythonValues() {}

    /** Returns a value of the caller's with the number types that templates compute with. */
    static Object imported(Object value) {
        if (value instanceof Integer || value instanceof Short || value instanceof Byte) {
            return ((Number) value).longValue();
        }
        if (value instanceof Float f) {
            return f.doubleValue();
        }
        if (value instanceof List<?> list) {
            List<Object> elements = new ArrayList<>(list.size());
            list.forEach(e -> elements.add(imported(e)));
            return elements;
        }
        if (value instanceof Map<?, ?> map) {
            Map<Object, Object> entries = new LinkedHashMap<>();
            map.forEach((k, v) -> entries.put(k, imported(v)));
            return entries;
        }
        return value;
    }

    static boolean truth(Object value) {
        if (value == null || value instanceof Undefined) {
            return false;
        }
        if (value instanceof Boolean b) {
            return b;
        }
        if (value instanceof Number n) {
            return n.doubleValue() != 0;
        }
        if (value instanceof String s) {
            return !s.isEmpty();
        }
        if (value instanceof Collection<?> c) {
            return !c.isEmpty();
        }
        if (value instanceof Markup markup) {
            return !markup.text().isEmpty();
        }
        return !(value instanceof Map<?, ?> m) || !m.isEmpty();
    }

    static boolean isInteger(Object value) {
        return value instanceof Long || value instanceof BigInteger;
    }

    /** As it is printed: {@code str(value)}. */
    static String text(Object value) {
        if (value instanceof String s) {
            return s;
        }
        if (value instanceof Markup markup) {
            return markup.text();
        }
        return value instanceof Undefined ? "" : repr(value);
    }

    static String repr(Object value) {
        if (value == null) {
            return "None";
        }
        if (value instanceof Boolean b) {
            return b ? "True" : "False";
        }
        if (value instanceof Double d) {
            return real(d);
        }
        if (value instanceof String s) {
            return PythonStrings.quoted(s);
        }
        if (value instanceof Map<?, ?> map) {
            List<String> entries = new ArrayList<>();
            map.forEach((k, v) -> entries.add(repr(k) + ": " + repr(v)));
            return "{" + String.join(", ", entries) + "}";
        }
        if (value instanceof Collection<?> elements) {
            String inside = String.join(", ", elements.stream().map(PythonValues::repr).toList());
            if (value instanceof View view) {
                return view.type() + "([" + inside + "])";
            }
            if (value instanceof Tuple) {
                return elements.size() == 1 ? "(" + inside + ",)" : "(" + inside + ")";
            }
            return "[" + inside + "]";
        }
        if (value instanceof Number) {
            return value.toString();
        }
        if (value instanceof Markup markup) {
            return "Markup(" + PythonStrings.quoted(markup.text()) + ")";
        }
        return value instanceof Undefined ? "Undefined" : "<" + typeName(value) + ">";
    }

    /** {@code repr(float)}: the shortest digits that read back the same, exponents from 1e16 and below 1e-4. */
    static String real(double value) {
        if (Double.isNaN(value)) {
            return "nan";
        }
        if (Double.isInfinite(value)) {
            return value > 0 ? "inf" : "-inf";
        }
        if (value == 0) {
            return 1 / value < 0 ? "-0.0" : "0.0";
        }
        BigDecimal shortest = shortest(value);
        int exponent = shortest.precision() - shortest.scale() - 1;
        if (exponent < -4 || exponent >= 16) {
            String digits = shortest.unscaledValue().abs().toString();
            String mantissa = digits.length() == 1 ? digits : digits.charAt(0) + "." + digits.substring(1);
            return (value < 0 ? "-" : "") + mantissa + "e" + (exponent < 0 ? "-" : "+")
                    + (Math.abs(exponent) < 10 ? "0" : "") + Math.abs(exponent);
        }
        String plain = shortest.toPlainString();
        return plain.indexOf('.') < 0 ? plain + ".0" : plain;
    }

    /** Double.toString is not always the shortest before Java 19: 2e-44 is 2.0000000000000002E-44 there. */
    private static BigDecimal shortest(double value) {
        BigDecimal exact = new BigDecimal(value);
        for (int digits = 1; digits < 17; digits++) {
            // Of powers of two the doubles below are nearer than those above: there the nearest decimal may fail and the next do.
            for (RoundingMode mode : List.of(RoundingMode.HALF_EVEN, RoundingMode.UP, RoundingMode.DOWN)) {
                BigDecimal rounded = exact.round(new MathContext(digits, mode));
                if (rounded.doubleValue() == value) {
                    return rounded.stripTrailingZeros();
                }
            }
        }
        return exact.round(new MathContext(17, RoundingMode.HALF_EVEN)).stripTrailingZeros();
    }

    static String typeName(Object value) {
        if (value == null) {
            return "None";
        }
        if (value instanceof Boolean) {
            return "bool";
        }
        if (isInteger(value)) {
            return "int";
        }
        if (value instanceof Double) {
            return "float";
        }
        if (value instanceof String) {
            return "str";
        }
        if (value instanceof Map) {
            return "dict";
        }
        if (value instanceof Tuple) {
            return "tuple";
        }
        if (value instanceof View view) {
            return view.type();
        }
        if (value instanceof Lazy) {
            return "generator";
        }
        if (value instanceof Collection) {
            return "list";
        }
        return value.getClass().getSimpleName().toLowerCase(java.util.Locale.ROOT);
    }

    static boolean equal(Object one, Object other) {
        Object left = Markup.plain(one);
        Object right = Markup.plain(other);
        if (left == right) {
            return true;
        }
        if (left instanceof Undefined && right instanceof Undefined) {
            return true;
        }
        Object a = left instanceof Boolean b ? (Object) (b ? 1L : 0L) : left;
        Object b = right instanceof Boolean c ? (Object) (c ? 1L : 0L) : right;
        if (a instanceof Number m && b instanceof Number n) {
            return a instanceof Double || b instanceof Double
                    ? m.doubleValue() == n.doubleValue() : integer(a).equals(integer(b));
        }
        if (a instanceof List<?> m && b instanceof List<?> n) {
            if (m.size() != n.size() || a instanceof Tuple != b instanceof Tuple) {
                return false;
            }
            for (int i = 0; i < m.size(); i++) {
                if (!equal(m.get(i), n.get(i))) {
                    return false;
                }
            }
            return true;
        }
        if (a instanceof Map<?, ?> m && b instanceof Map<?, ?> n) {
            return m.size() == n.size() && m.entrySet().stream()
                    .allMatch(e -> n.containsKey(e.getKey()) && equal(e.getValue(), n.get(e.getKey())));
        }
        return a != null && a.equals(b);
    }

    static BigInteger integer(Object value) {
        return value instanceof BigInteger big ? big : BigInteger.valueOf(((Number) value).longValue());
    }

    /** @throws TemplateException if the two have no order */
    static int compare(Object one, Object other) {
        Object left = Markup.plain(one);
        Object right = Markup.plain(other);
        Object a = left instanceof Boolean b ? (Object) (b ? 1L : 0L) : left;
        Object b = right instanceof Boolean c ? (Object) (c ? 1L : 0L) : right;
        if (a instanceof Number m && b instanceof Number n) {
            return a instanceof Double || b instanceof Double
                    ? Double.compare(m.doubleValue(), n.doubleValue()) : integer(a).compareTo(integer(b));
        }
        if (a instanceof String s && b instanceof String t) {
            return compareCodePoints(s, t);
        }
        if (a instanceof List<?> m && b instanceof List<?> n) {
            for (int i = 0; i < Math.min(m.size(), n.size()); i++) {
                if (!equal(m.get(i), n.get(i))) {
                    return compare(m.get(i), n.get(i));
                }
            }
            return Integer.compare(m.size(), n.size());
        }
        throw unordered(left, right);
    }

    private static TemplateException unordered(Object left, Object right) {
        if (left instanceof Undefined undefined) {
            return undefined.failure();
        }
        if (right instanceof Undefined undefined) {
            return undefined.failure();
        }
        return new TemplateException("'" + typeName(left) + "' and '" + typeName(right) + "' have no order");
    }

    /** UTF-16 order differs from Python's where surrogates meet U+E000 and above. */
    private static int compareCodePoints(String a, String b) {
        int n = Math.min(a.length(), b.length());
        for (int i = 0; i < n; i++) {
            if (a.charAt(i) != b.charAt(i)) {
                return Integer.compare(a.codePointAt(i), b.codePointAt(i));
            }
        }
        return Integer.compare(a.length(), b.length());
    }

    static boolean contains(Object holder, Object sought) {
        Object container = Markup.plain(holder);
        Object element = Markup.plain(sought);
        if (container instanceof String text) {
            if (!(element instanceof String part)) {
                throw element instanceof Undefined undefined ? undefined.failure() : new TemplateException(
                        "'in <string>' requires string as left operand, not " + typeName(element));
            }
            return text.contains(part);
        }
        if (container instanceof Map<?, ?> map) {
            return map.containsKey(element);
        }
        for (Object candidate : elements(container)) {
            if (equal(candidate, element)) {
                return true;
            }
        }
        return false;
    }

    /** Returns what a loop over the value runs through. */
    static List<Object> elements(Object value) {
        if (value instanceof Undefined) {
            return List.of();
        }
        if (value instanceof Lazy lazy) {
            return lazy.take();
        }
        if (value instanceof View view) {
            return view.elements();
        }
        if (value instanceof Markup markup) {
            return elements(markup.text());
        }
        if (value instanceof List<?> list) {
            @SuppressWarnings("unchecked")
            List<Object> elements = (List<Object>) list;
            return elements;
        }
        if (value instanceof Map<?, ?> map) {
            return new ArrayList<>(map.keySet());
        }
        if (value instanceof String text) {
            List<Object> characters = new ArrayList<>(text.length());
            text.codePoints().forEach(c -> characters.add(Character.toString(c)));
            return characters;
        }
        throw new TemplateException("'" + typeName(value) + "' object is not iterable");
    }

    static boolean iterable(Object value) {
        return sequence(value) || value instanceof View || value instanceof Lazy;
    }

    /** Has a length and elements by index. */
    static boolean sequence(Object value) {
        return value instanceof Undefined || value instanceof List || value instanceof Map || value instanceof String;
    }

    static long length(Object value) {
        if (value instanceof String text) {
            return text.codePointCount(0, text.length());
        }
        if (value instanceof Collection<?> elements) {
            return elements.size();
        }
        if (value instanceof Map<?, ?> map) {
            return map.size();
        }
        if (value instanceof Undefined) {
            return 0;
        }
        throw new TemplateException("object of type '" + typeName(value) + "' has no len()");
    }

    /** For counts and indices given by a template. */
    static long index(Object value, String what) {
        if (value instanceof Long n) {
            return n;
        }
        if (value instanceof Boolean b) {
            return b ? 1 : 0;
        }
        throw value instanceof Undefined undefined ? undefined.failure() : new TemplateException(
                what + " must be an integer, not " + typeName(value));
    }
}
