package dev.aerie.text.jinja;

import java.util.LinkedHashMap;
import java.util.Map;

/** {@code namespace(...)}: the one thing that a loop's body may change for the template around it. */
final class Namespace {

    private final Map<String, Object> values;

    Namespace(Map<String, Object> values) {
        this.values = new LinkedHashMap<>(values);
    }

    /** The values by name; one that is there may be null. */
    Map<String, Object> values() {
        return values;
    }

    void set(String name, Object value) {
        values.put(name, value);
    }
}
