package dev.aerie.jobs;

import dev.aerie.errors.Choice;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The type of a recipe key's value, with its range, which is checked only here.
 *
 * @param <V> the Java type of the value
 */
sealed interface ValueType<V> {

    /** Converts a YAML value; refuses one of another type or out of range. */
    V read(String key, Object yaml);

    /** Returns what is expected, for messages and for docs/recipe.md. */
    String expected();

    /** Returns the value as YAML that {@link #read} takes. */
    default Object yaml(V value) {
        return value;
    }

    /** Returns whether the value is text, which {@code --set} need not put in quotes. */
    default boolean isText() {
        return false;
    }

    static ValueType<String> text() {
        return new Text();
    }

    static ValueType<String> path() {
        return new Location();
    }

    static <E extends Enum<E> & Choice> ValueType<E> choice(Class<E> type) {
        Map<String, E> byName = new LinkedHashMap<>();
        for (E constant : type.getEnumConstants()) {
            byName.put(constant.text(), constant);
        }
        return new OneOf<>(byName);
    }

    /** One of what is no enum, by name. */
    static <V> ValueType<V> oneOf(Map<String, V> byName) {
        return new OneOf<>(new LinkedHashMap<>(byName));
    }

    /** True or false. */
    static ValueType<Boolean> truth() {
        return new Truth();
    }

    static ValueType<Integer> integer(int least) {
        return integer(least, Integer.MAX_VALUE, "");
    }

    /** @param unit such as tokens; empty for a number of what the key's name says */
    static ValueType<Integer> integer(int least, int most, String unit) {
        return new Int(new Range(least, most, Integer.MAX_VALUE, unit));
    }

    static ValueType<Integer> tokens(int least) {
        return integer(least, Integer.MAX_VALUE, "tokens");
    }

    static ValueType<Long> whole(long least) {
        return whole(least, "");
    }

    static ValueType<Long> whole(long least, String unit) {
        return new Whole(new Range(least, Long.MAX_VALUE, Long.MAX_VALUE, unit));
    }

    static ValueType<Long> bytes() {
        return whole(1, "bytes");
    }

    static ValueType<Double> share() {
        return new Real(0, 1, true, "a number");
    }

    /** From zero. */
    static ValueType<Double> number() {
        return new Real(0, Double.MAX_VALUE, true, "a number");
    }

    /** Above zero. */
    static ValueType<Double> positive() {
        return new Real(0, Double.MAX_VALUE, false, "a number");
    }

    /** Above zero and at most one. */
    static ValueType<Double> positiveShare() {
        return new Real(0, 1, false, "a number");
    }

    static <V> ValueType<List<V>> list(ValueType<V> element) {
        return new Listing<>(element);
    }

    static ValueType<Recipe> section(List<RecipeKey<?>> keys) {
        return new Section(keys);
    }

    static ValueType<List<Recipe>> sections(List<RecipeKey<?>> keys) {
        return new Listing<>(new Section(keys));
    }

    static ValueType<Map<String, Object>> mapping() {
        return new Mapping();
    }

    record Text() implements ValueType<String> {
        @Override
        public String read(String key, Object yaml) {
            if (yaml instanceof String text && !text.isEmpty()) {
                return text;
            }
            throw RecipeException.invalid(key, yaml, yaml instanceof Number ? expected() + ", in quotes" : expected());
        }

        @Override
        public String expected() {
            return "text";
        }

        @Override
        public boolean isText() {
            return true;
        }
    }

    record Truth() implements ValueType<Boolean> {
        @Override
        public Boolean read(String key, Object yaml) {
            if (yaml instanceof Boolean truth) {
                return truth;
            }
            throw RecipeException.invalid(key, yaml, expected());
        }

        @Override
        public String expected() {
            return "true or false";
        }
    }

    /** A path or URI that Hadoop can read as one. Whether a file system answers to it, {@link Places} tells. */
    record Location() implements ValueType<String> {
        @Override
        public String read(String key, Object yaml) {
            if (!(yaml instanceof String text) || text.isEmpty()) {
                throw RecipeException.invalid(key, yaml, expected());
            }
            return PathText.expanded(key, text);
        }

        @Override
        public String expected() {
            return "a path or URI";
        }

        @Override
        public boolean isText() {
            return true;
        }
    }

    record OneOf<V>(Map<String, V> byName) implements ValueType<V> {
        @Override
        public V read(String key, Object yaml) {
            V chosen = yaml instanceof String name ? byName.get(name) : null;
            if (chosen == null) {
                throw RecipeException.invalid(key, yaml, expected());
            }
            return chosen;
        }

        @Override
        public String expected() {
            return Choice.listed(List.copyOf(byName.keySet()));
        }

        @Override
        public Object yaml(V value) {
            return byName.entrySet().stream().filter(e -> e.getValue().equals(value)).findFirst().orElseThrow().getKey();
        }

        @Override
        public boolean isText() {
            return true;
        }
    }

    /**
     * Of whole numbers.
     *
     * @param largest largest value of the Java type; if it is the bound, the key has none, and only messages about larger values
     *     name it
     */
    record Range(long least, long most, long largest, String unit) {

        long read(String key, Object yaml) {
            if (yaml instanceof Integer || yaml instanceof Long) {
                long number = ((Number) yaml).longValue();
                if (number >= least && number <= most) {
                    return number;
                }
                if (number > most && most == largest) {
                    throw RecipeException.invalid(key, yaml, expected() + " to " + most);
                }
            }
            throw RecipeException.invalid(key, yaml, expected());
        }

        String expected() {
            return (unit.isEmpty() ? "a whole number" : "a whole number of " + unit) + " from " + least
                    + (most == largest ? "" : " to " + most);
        }
    }

    record Int(Range range) implements ValueType<Integer> {
        @Override
        public Integer read(String key, Object yaml) {
            return Math.toIntExact(range.read(key, yaml));
        }

        @Override
        public String expected() {
            return range.expected();
        }
    }

    record Whole(Range range) implements ValueType<Long> {
        @Override
        public Long read(String key, Object yaml) {
            return range.read(key, yaml);
        }

        @Override
        public String expected() {
            return range.expected();
        }
    }

    record Real(double least, double most, boolean inclusive, String what) implements ValueType<Double> {
        @Override
        public Double read(String key, Object yaml) {
            if (yaml instanceof Number number) {
                double value = number.doubleValue();
                if ((inclusive ? value >= least : value > least) && value <= most) {
                    return value;
                }
            }
            throw RecipeException.invalid(key, yaml, expected());
        }

        @Override
        public String expected() {
            return what + (inclusive ? " from " : " above ") + Recipe.plain(least)
                    + (most == Double.MAX_VALUE ? "" : (inclusive ? " to " : " and up to ") + Recipe.plain(most));
        }
    }

    /** A list of values of one type. */
    record Listing<V>(ValueType<V> element) implements ValueType<List<V>> {
        @Override
        public List<V> read(String key, Object yaml) {
            if (!(yaml instanceof List<?> list)) {
                throw RecipeException.invalid(key, yaml, expected());
            }
            // What an empty list of numbers means, the key's own section says.
            if (list.isEmpty() && element instanceof Section) {
                throw RecipeException.invalid(key, yaml, expected() + ", and at least one of them");
            }
            List<V> read = new ArrayList<>();
            for (int i = 0; i < list.size(); i++) {
                read.add(element.read(key + "[" + i + "]", list.get(i)));
            }
            return List.copyOf(read);
        }

        @Override
        public String expected() {
            return "a list, each " + element.expected();
        }

        @Override
        public Object yaml(List<V> value) {
            return value.stream().map(element::yaml).toList();
        }
    }

    /** A mapping with arbitrary keys. */
    record Mapping() implements ValueType<Map<String, Object>> {
        @Override
        public Map<String, Object> read(String key, Object yaml) {
            if (!(yaml instanceof Map<?, ?> map)) {
                throw RecipeException.invalid(key, yaml, expected());
            }
            Map<String, Object> read = new LinkedHashMap<>();
            map.forEach((name, value) -> {
                if (!(name instanceof String text)) {
                    throw RecipeException.invalid(key, yaml, expected());
                }
                read.put(text, value);
            });
            return read;
        }

        @Override
        public String expected() {
            return "a mapping";
        }
    }

    /** A mapping with recipe keys, such as the elements of data.inputs. */
    record Section(List<RecipeKey<?>> keys) implements ValueType<Recipe> {
        @Override
        public Recipe read(String key, Object yaml) {
            if (!(yaml instanceof Map<?, ?> map)) {
                throw RecipeException.invalid(key, yaml, expected());
            }
            Set<String> given = new LinkedHashSet<>();
            for (Object name : map.keySet()) {
                if (keys.stream().noneMatch(k -> k.path().equals(name))) {
                    throw RecipeKeys.unknown(key + "." + name, keys.stream().map(k -> key + "." + k.path()).toList());
                }
                given.add((String) name);
            }
            Map<String, Object> read = new LinkedHashMap<>();
            for (RecipeKey<?> k : keys) {
                Object value = map.get(k.path());
                if (value == null && k.isRequired()) {
                    throw RecipeException.missing(key + "." + k.path(), k.type().expected());
                }
                read.put(k.path(), value == null ? k.defaultValue() : k.type().read(key + "." + k.path(), value));
            }
            return new Recipe(key + ".", keys, read, given);
        }

        @Override
        public String expected() {
            return "a mapping with " + String.join(", ", keys.stream().map(RecipeKey::path).toList());
        }

        @Override
        public Object yaml(Recipe value) {
            return value.tree();
        }
    }
}
