package dev.aerie.text.jinja;

import java.util.HashMap;
import java.util.Map;

/** Variables of a block. Names are looked up outwards and set here, so what a loop's body sets ends with its round. */
final class Scope {

    private final Scope outer;
    private final Map<String, Object> variables = new HashMap<>();
    private final Budget budget;

    private Scope(Scope outer, Budget budget) {
        this.outer = outer;
        this.budget = budget;
    }

    static Scope root(Map<String, ?> variables, Budget budget) {
        Scope scope = new Scope(null, budget);
        scope.variables.putAll(variables);
        return scope;
    }

    Scope inner() {
        return new Scope(this, budget);
    }

    Object get(String name) {
        for (Scope scope = this; scope != null; scope = scope.outer) {
            Object value = scope.variables.get(name);
            if (value != null || scope.variables.containsKey(name)) {
                return value;
            }
        }
        return Undefined.name(name);
    }

    void set(String name, Object value) {
        variables.put(name, value);
    }

    Budget budget() {
        return budget;
    }
}
