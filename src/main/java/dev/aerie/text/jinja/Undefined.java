package dev.aerie.text.jinja;

/** The value of an absent name or key. It prints as an empty text, is false and empty, and must not be used in computations. */
record Undefined(String message) {

    static Undefined name(String name) {
        return new Undefined("'" + name + "' is undefined");
    }

    static Undefined attribute(Object owner, Object key) {
        if (owner instanceof Undefined undefined) {
            throw undefined.failure();
        }
        return new Undefined("'" + PythonValues.typeName(owner) + " object' has no "
                + (key instanceof String name ? "attribute '" + name + "'" : "element " + PythonValues.repr(key)));
    }

    TemplateException failure() {
        return new TemplateException(message);
    }
}
