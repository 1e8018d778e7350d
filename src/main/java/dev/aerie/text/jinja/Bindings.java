package dev.aerie.text.jinja;

import java.util.HashMap;
import java.util.Map;

/** Variables of a block. Names are looked up outwards and set here, so what a loop's body sets ends with its round. */
final class Bindings {

    private final Bindings outer;
    private final Map<String, Object> variables = new HashMap<>();
    private final Budget budget;

    private Bindings(Bindings outer, Budget budget) {
        this.outer = outer;
        this.budget = budget;
    }

    static Bindings root(Map<String, ?> variables, Budget budget) {
        Bindings scope = new Bindings(null, budget);
        scope.variables.putAll(variables);
        return scope;
    }

    Bindings inner() {
        return new Bindings(this, budget);
    }

    Object get(String name) {
        for (Bindings scope = this; scope != null; scope = scope.outer) {
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
