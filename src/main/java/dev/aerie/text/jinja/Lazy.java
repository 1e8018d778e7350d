package dev.aerie.text.jinja;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.function.Supplier;

/**
 * What filters such as {@code selectattr} give: Python's generator. It is true however little it holds, has no length and no
 * elements by index, is computed when it is first run through and is empty afterwards. Published templates rely on each of these.
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

    /** The elements not taken yet, which are taken now. */
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
