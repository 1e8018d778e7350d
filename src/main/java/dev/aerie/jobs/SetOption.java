package dev.aerie.jobs;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A {@code --set} option: a key of the recipe or an element of its list, and a value in YAML. Text without quotes is taken
 * literally, because the shell removes quotes; text in quotes has YAML's escapes. {@code null} makes a key unset.
 *
 * @param steps path from the key's value to the replaced value: indices of lists, and names in their elements
 */
record SetOption(String key, List<Object> steps, String name, String value) {

    private static final Pattern STEP = Pattern.compile("\\[(\\d{1,6})]|\\.([^.\\[\\]=]+)");
    private static final Pattern LIST = Pattern.compile("([^\\[]+)(\\[\\d{1,6}].*)?");

    static SetOption parse(String option) {
        int equals = option.indexOf('=');
        String name = equals < 1 ? "" : option.substring(0, equals).strip();
        Matcher place = LIST.matcher(name);
        if (!place.matches()) {
            throw invalid(option);
        }
        List<Object> steps = new ArrayList<>();
        String rest = place.group(2) == null ? "" : place.group(2);
        Matcher step = STEP.matcher(rest);
        int end = 0;
        while (step.find() && step.start() == end) {
            steps.add(step.group(1) != null ? (Object) Integer.valueOf(step.group(1)) : step.group(2));
            end = step.end();
        }
        if (end < rest.length()) {
            throw invalid(option);
        }
        return new SetOption(place.group(1).strip(), steps, name, option.substring(equals + 1));
    }

    private static RecipeException invalid(String option) {
        return new RecipeException("Invalid --set: " + option + " (expected section.key=value)");
    }

    /** @param written values of keys in the file's YAML */
    void applyTo(Map<String, Object> written) {
        ValueType<?> type = RecipeKeys.find(key).type();
        written.put(key, replaced(written.get(key), type, 0));
    }

    private Object replaced(Object old, ValueType<?> type, int depth) {
        if (depth == steps.size()) {
            return read(type);
        }
        Object step = steps.get(depth);
        if (step instanceof Integer index && type instanceof ValueType.Listing<?> listing) {
            List<Object> list = old instanceof List<?> given ? new ArrayList<>(given) : new ArrayList<>();
            if (index > list.size()) {
                throw new RecipeException("Invalid --set: " + name + " (expected an index from 0 to " + list.size()
                        + ", as the list has so many elements)");
            }
            if (index == list.size()) {
                list.add(null);
            }
            list.set(index, replaced(list.get(index), listing.element(), depth + 1));
            return list;
        }
        if (step instanceof String inner && type instanceof ValueType.Section section) {
            RecipeKey<?> found = section.keys().stream().filter(k -> k.path().equals(inner)).findFirst().orElseThrow(
                    () -> RecipeKeys.unknown(name, section.keys().stream().map(k -> before(depth) + "." + k.path()).toList()));
            Map<Object, Object> map = old instanceof Map<?, ?> given ? new LinkedHashMap<>(given) : new LinkedHashMap<>();
            map.put(inner, replaced(map.get(inner), found.type(), depth + 1));
            return map;
        }
        throw new RecipeException("Invalid --set: " + name + " (expected no more than " + before(depth) + ", which is "
                + type.expected() + ")");
    }

    private String before(int depth) {
        StringBuilder text = new StringBuilder(key);
        steps.subList(0, depth).forEach(step -> text.append(step instanceof Integer ? "[" + step + "]" : "." + step));
        return text.toString();
    }

    private Object read(ValueType<?> type) {
        String plain = value.strip();
        boolean quoted = plain.startsWith("\"") || plain.startsWith("'");
        if (type.isText() && !quoted) {
            return plain.equals("null") ? null : value;
        }
        return Recipe.load("--set " + name, value);
    }
}
