package dev.aerie.jobs;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.fs.Path;

/** What may be written as the value of a recipe key. */
sealed interface ValueType {

    /** The value as the recipe keeps it: String, Long, Double, Boolean or a List; refuses what is of another type. */
    Object read(String key, Object value);

    /** What is expected, for messages and for docs/recipe.md. */
    String expected();

    static ValueType text() {
        return new Text("text");
    }

    static ValueType path() {
        return new Location();
    }

    static ValueType choice(String... values) {
        return new Choice(List.of(values));
    }

    static ValueType whole(long least) {
        return new Whole(least, Long.MAX_VALUE);
    }

    static ValueType whole(long least, long most) {
        return new Whole(least, most);
    }

    static ValueType number(double least, double most) {
        return new Real(least, most);
    }

    record Text(String expected) implements ValueType {
        @Override
        public Object read(String key, Object value) {
            if (value instanceof String text && !text.isEmpty()) {
                return text;
            }
            throw RecipeException.invalid(key, value, value instanceof Number ? expected + ", in quotes" : expected);
        }
    }

    /** A path or URI that Hadoop can read as one. Whether a file system answers to it, {@link Locations} tells. */
    record Location() implements ValueType {
        @Override
        public Object read(String key, Object value) {
            Object text = new Text(expected()).read(key, value);
            try {
                new Path((String) text);
                return text;
            } catch (IllegalArgumentException e) {
                throw RecipeException.invalid(key, value, expected() + ": " + e.getMessage());
            }
        }

        @Override
        public String expected() {
            return "a path or URI";
        }
    }

    record Choice(List<String> values) implements ValueType {
        @Override
        public Object read(String key, Object value) {
            if (value instanceof String text && values.contains(text)) {
                return text;
            }
            throw RecipeException.invalid(key, value, expected());
        }

        @Override
        public String expected() {
            return String.join(" or ", values);
        }
    }

    record Whole(long least, long most) implements ValueType {
        @Override
        public Object read(String key, Object value) {
            if (value instanceof Integer || value instanceof Long) {
                long number = ((Number) value).longValue();
                if (number >= least && number <= most) {
                    return number;
                }
            }
            throw RecipeException.invalid(key, value, expected());
        }

        @Override
        public String expected() {
            return most == Long.MAX_VALUE ? "a whole number from " + least : "a whole number from " + least + " to " + most;
        }
    }

    record Real(double least, double most) implements ValueType {
        @Override
        public Object read(String key, Object value) {
            if (value instanceof Number number && number.doubleValue() >= least && number.doubleValue() <= most) {
                return number.doubleValue();
            }
            throw RecipeException.invalid(key, value, expected());
        }

        @Override
        public String expected() {
            return most == Double.MAX_VALUE ? "a number from " + Recipe.plain(least)
                    : "a number from " + Recipe.plain(least) + " to " + Recipe.plain(most);
        }
    }

    record Flag() implements ValueType {
        @Override
        public Object read(String key, Object value) {
            if (value instanceof Boolean) {
                return value;
            }
            throw RecipeException.invalid(key, value, expected());
        }

        @Override
        public String expected() {
            return "true or false";
        }
    }

    /** A list of values of one type. */
    record Listing(ValueType element) implements ValueType {
        @Override
        public Object read(String key, Object value) {
            if (!(value instanceof List<?> list)) {
                throw RecipeException.invalid(key, value, expected());
            }
            List<Object> read = new ArrayList<>();
            for (int i = 0; i < list.size(); i++) {
                read.add(element.read(key + "[" + i + "]", list.get(i)));
            }
            return List.copyOf(read);
        }

        @Override
        public String expected() {
            return "a list, each " + element.expected();
        }
    }

    /** A mapping with keys that nobody but its reader knows. */
    record Mapping() implements ValueType {
        @Override
        public Object read(String key, Object value) {
            if (!(value instanceof Map<?, ?> map) || !map.keySet().stream().allMatch(String.class::isInstance)) {
                throw RecipeException.invalid(key, value, expected());
            }
            return new LinkedHashMap<>(map);
        }

        @Override
        public String expected() {
            return "a mapping";
        }
    }

    /** A mapping with keys of its own: the elements of a list such as data.inputs. */
    record Section(List<RecipeKey> keys) implements ValueType {
        @Override
        public Object read(String key, Object value) {
            if (!(value instanceof Map<?, ?> map)) {
                throw RecipeException.invalid(key, value, expected());
            }
            for (Object name : map.keySet()) {
                if (keys.stream().noneMatch(k -> k.path().equals(name))) {
                    throw RecipeKeys.unknown(key + "." + name, keys.stream().map(k -> key + "." + k.path()).toList());
                }
            }
            Map<String, Object> read = new LinkedHashMap<>();
            for (RecipeKey k : keys) {
                Object given = map.get(k.path());
                if (given == null && k.required()) {
                    throw RecipeException.missing(key + "." + k.path(), k.type().expected());
                }
                read.put(k.path(), given == null ? k.defaultValue() : k.type().read(key + "." + k.path(), given));
            }
            return read;
        }

        @Override
        public String expected() {
            return "a mapping with " + String.join(", ", keys.stream().map(RecipeKey::path).toList());
        }
    }
}
