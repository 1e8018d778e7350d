package dev.aerie.text.jinja;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.function.Supplier;

/**
 * Python's generator, the result of filters such as {@code selectattr}. It is true even if empty, has neither length nor indices,
 * is computed at its first iteration and is empty afterwards. Published templates rely on each of these.
 */
final class Lazy {

    private final Supplier<List<Object>> source;
    private Iterator<Object> rest;

    Lazy(Supplier<List<Object>> source) {
        this.source = source;
    }

    private Iterator<Object> rest() {
        if (rest == null) {
            rest = source.get().iterator();
        }
        return rest;
    }

    /** Returns the elements not taken yet, which are taken now. */
    List<Object> take() {
        List<Object> elements = new ArrayList<>();
        rest().forEachRemaining(elements::add);
        return elements;
    }

    /** @param fallback what it is when nothing is left */
    Object takeFirst(Object fallback) {
        return rest().hasNext() ? rest().next() : fallback;
    }
}
