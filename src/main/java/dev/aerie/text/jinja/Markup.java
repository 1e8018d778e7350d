package dev.aerie.text.jinja;

/**
 * Text that {@code safe} or {@code escape} made. A sum with it escapes the other operand, even though nothing else is escaped in
 * chat templates; Functionary's declarations of tools come out escaped that way. Everywhere else it is plain text.
 */
record Markup(String text) {

    static Markup escaped(Object value) {
        return value instanceof Markup markup ? markup : new Markup(PythonValues.text(value)
                .replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("'", "&#39;").replace("\"", "&#34;"));
    }

    static Markup sum(Object left, Object right) {
        String a = escaped(left).text;
        String b = escaped(right).text;
        Budget.requireLength((long) a.length() + b.length());
        return new Markup(a.concat(b));
    }

    /** Returns the value as whatever does not care for escaping sees it. */
    static Object plain(Object value) {
        return value instanceof Markup markup ? markup.text : value;
    }
}
