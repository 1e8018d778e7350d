package dev.aerie.text.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Attributes, items, slices and the methods of lists and dicts. */
final class Members {

    private Members() {}

    static Object attribute(Object value, String name) {
        Object owner = Markup.plain(value);
        if (owner instanceof Namespace namespace && namespace.values().containsKey(name)) {
            return namespace.values().get(name);
        }
        Object member = method(owner, name);
        return member != null ? member : owner instanceof Map<?, ?> map && map.containsKey(name) ? map.get(name)
                : Undefined.attribute(owner, name);
    }

    static Object item(Object value, Object given) {
        Object owner = Markup.plain(value);
        Object key = Markup.plain(given);
        if (owner instanceof Namespace && key instanceof String name) {
            return attribute(owner, name);
        }
        if (owner instanceof Map<?, ?> map && map.containsKey(key)) {
            return map.get(key);
        }
        if (owner instanceof List<?> list && PythonValues.isInteger(key)) {
            int at = position(PythonValues.index(key, "an index"), list.size());
            return at < 0 ? Undefined.attribute(owner, key) : list.get(at);
        }
        if (owner instanceof String text && PythonValues.isInteger(key)) {
            int at = position(PythonValues.index(key, "an index"), (int) PythonValues.length(text));
            return at < 0 ? Undefined.attribute(owner, key)
                    : Character.toString(text.codePointAt(text.offsetByCodePoints(0, at)));
        }
        Object member = key instanceof String name ? method(owner, name) : null;
        return member != null ? member : Undefined.attribute(owner, key);
    }

    private static int position(long index, int length) {
        long at = index < 0 ? index + length : index;
        return at < 0 || at >= length ? -1 : (int) at;
    }

    private static Object method(Object owner, String name) {
        if (owner instanceof Loop loop) {
            return loop.attribute(name);
        }
        if (owner instanceof String text) {
            return StringMethods.bound(text, name);
        }
        if (owner instanceof Map<?, ?> map) {
            return mapMethod(map, name);
        }
        return owner instanceof List<?> list ? listMethod(list, name) : null;
    }

    private static Callable mapMethod(Map<?, ?> map, String name) {
        return switch (name) {
            case "items" -> (arguments, named) -> new View("dict_items", pairs(map));
            case "keys" -> (arguments, named) -> new View("dict_keys", new ArrayList<>(map.keySet()));
            case "values" -> (arguments, named) -> new View("dict_values", new ArrayList<>(map.values()));
            case "get" -> (arguments, named) -> {
                Given given = new Given("dict.get", arguments, named);
                Object key = given.required(0, "key");
                return map.containsKey(key) ? map.get(key) : given.get(1, "default", null);
            };
            case "copy" -> (arguments, named) -> new java.util.LinkedHashMap<>(map);
            case "pop", "update", "clear", "setdefault", "popitem" -> changing("dict", name);
            default -> null;
        };
    }

    private static Callable listMethod(List<?> list, String name) {
        return switch (name) {
            case "index" -> (arguments, named) -> {
                Object sought = new Given("list.index", arguments, named).required(0, "value");
                for (int i = 0; i < list.size(); i++) {
                    if (PythonValues.equal(list.get(i), sought)) {
                        return (long) i;
                    }
                }
                throw new TemplateException(PythonValues.repr(sought) + " is not in list");
            };
            case "count" -> (arguments, named) -> {
                Object sought = new Given("list.count", arguments, named).required(0, "value");
                return list.stream().filter(v -> PythonValues.equal(v, sought)).count();
            };
            case "copy" -> (arguments, named) -> new ArrayList<>(list);
            case "append", "extend", "insert", "pop", "remove", "clear", "sort", "reverse" -> changing("list", name);
            default -> null;
        };
    }

    /** Hugging Face runs templates in jinja2's immutable sandbox, which refuses these too. */
    private static Callable changing(String type, String method) {
        return (arguments, named) -> {
            throw new TemplateException("a template may not change a " + type + " (" + method + ")");
        };
    }

    static List<Object> pairs(Map<?, ?> map) {
        List<Object> pairs = new ArrayList<>(map.size());
        map.forEach((key, value) -> pairs.add(Tuple.of(key, value)));
        return pairs;
    }

    /** Bounds are null, or integers that may be negative or beyond the ends. */
    static Object slice(Object owner, Object start, Object stop, Object step) {
        Object value = Markup.plain(owner);
        if (value instanceof String text) {
            StringBuilder characters = new StringBuilder();
            int[] codePoints = text.codePoints().toArray();
            for (int i : indices(codePoints.length, start, stop, step)) {
                characters.appendCodePoint(codePoints[i]);
            }
            return characters.toString();
        }
        if (value instanceof List<?> list) {
            List<Object> elements = new ArrayList<>();
            for (int i : indices(list.size(), start, stop, step)) {
                elements.add(list.get(i));
            }
            return value instanceof Tuple ? new Tuple(elements) : elements;
        }
        throw value instanceof Undefined undefined ? undefined.failure()
                : new TemplateException("'" + PythonValues.typeName(value) + "' object cannot be sliced");
    }

    private static int[] indices(int length, Object start, Object stop, Object step) {
        long by = step == null ? 1 : PythonValues.index(step, "a slice's step");
        if (by == 0) {
            throw new TemplateException("slice step cannot be zero");
        }
        long from = bound(start, by > 0 ? 0 : length - 1, length, by);
        long to = bound(stop, by > 0 ? length : -1, length, by);
        java.util.stream.IntStream.Builder indices = java.util.stream.IntStream.builder();
        for (long i = from; by > 0 ? i < to : i > to; i += by) {
            indices.add((int) i);
        }
        return indices.build().toArray();
    }

    private static long bound(Object bound, long fallback, int length, long step) {
        if (bound == null) {
            return fallback;
        }
        long at = PythonValues.index(bound, "a slice's bound");
        long lowest = step > 0 ? 0 : -1;
        long highest = step > 0 ? length : length - 1;
        return Math.max(lowest, Math.min(highest, at < 0 ? at + length : at));
    }

    /** Returns the pairs of a dict in the order of their keys, as the {@code dictsort} filter gives them. */
    static List<Object> sortedPairs(Map<?, ?> map, boolean caseSensitive, boolean byValue, boolean reverse) {
        List<Object> pairs = pairs(map);
        pairs.sort((a, b) -> {
            Object x = ((Tuple) a).get(byValue ? 1 : 0);
            Object y = ((Tuple) b).get(byValue ? 1 : 0);
            int order = PythonValues.compare(folded(x, caseSensitive), folded(y, caseSensitive));
            return reverse ? -order : order;
        });
        return pairs;
    }

    static Object folded(Object value, boolean caseSensitive) {
        return !caseSensitive && value instanceof String text ? text.toLowerCase(java.util.Locale.ROOT) : value;
    }
}
