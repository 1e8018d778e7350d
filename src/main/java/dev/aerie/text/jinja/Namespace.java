package dev.aerie.text.jinja;

import java.util.LinkedHashMap;
import java.util.Map;

/** {@code namespace(...)}, the only value that a loop's body can change for the template around it. */
final class Namespace {

    private final Map<String, Object> values;

    Namespace(Map<String, Object> values) {
        this.values = new LinkedHashMap<>(values);
    }

    /** Returns the values by name; one that is there may be null. */
    Map<String, Object> values() {
        return values;
    }

    void set(String name, Object value) {
        values.put(name, value);
    }
}
