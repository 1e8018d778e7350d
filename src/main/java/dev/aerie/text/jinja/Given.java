package dev.aerie.text.jinja;

import java.util.List;
import java.util.Map;

/** The arguments of a call to a filter or function, by position or name. */
record Given(String receiver, List<Object> positional, Map<String, Object> named) {

    /** @param fallback what it is when it was not given */
    Object get(int position, String name, Object fallback) {
        if (position < positional.size()) {
            return positional.get(position);
        }
        return named.containsKey(name) ? named.get(name) : fallback;
    }

    Object required(int position, String name) {
        if (position >= positional.size() && !named.containsKey(name)) {
            throw new TemplateException(receiver + " needs the argument '" + name + "'");
        }
        return get(position, name, null);
    }

    String text(int position, String name, String fallback) {
        Object value = Markup.plain(get(position, name, fallback));
        if (value == null || value instanceof String) {
            return (String) value;
        }
        throw value instanceof Undefined undefined ? undefined.failure() : new TemplateException(
                "the argument '" + name + "' of " + receiver + " must be a string, not " + PythonValues.typeName(value));
    }

    String requiredText(int position, String name) {
        required(position, name);
        return text(position, name, null);
    }

    long integer(int position, String name, long fallback) {
        Object value = get(position, name, fallback);
        return value == null ? fallback : PythonValues.index(value, "the argument '" + name + "' of " + receiver);
    }

    boolean truth(int position, String name, boolean fallback) {
        return PythonValues.truth(get(position, name, fallback));
    }

    /** Returns the ones after the first {@code count}, as a test named by an argument gets them. */
    List<Object> after(int count) {
        return positional.subList(Math.min(count, positional.size()), positional.size());
    }
}
