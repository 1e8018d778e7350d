package dev.aerie.text.jinja;

import java.util.AbstractCollection;
import java.util.Iterator;
import java.util.List;

/** The result of {@code dict.items()}, {@code keys()} and {@code values()}: a collection with a length but without indices. */
final class View extends AbstractCollection<Object> {

    private final String type;
    private final List<Object> elements;

    /** @param type as Python calls it, such as {@code dict_items} */
    View(String type, List<Object> elements) {
        this.type = type;
        this.elements = elements;
    }

    String type() {
        return type;
    }

    List<Object> elements() {
        return elements;
    }

    @Override
    public Iterator<Object> iterator() {
        return elements.iterator();
    }

    @Override
    public int size() {
        return elements.size();
    }
}
