package dev.aerie.text.jinja;

import dev.aerie.errors.RefusalException;

/** A template that cannot be parsed or rendered. The message is one sentence that names the template's line. */
public sealed class TemplateException extends RefusalException permits TemplateRaisedException {

    private static final long serialVersionUID = 1L;

    private final String reason;
    private final int line;

    TemplateException(String reason) {
        this(reason, 0);
    }

    TemplateException(String reason, int line) {
        super(line > 0 ? reason + " (line " + line + " of the template)" : reason);
        this.reason = reason;
        this.line = line;
    }

    /** Returns what went wrong, without the line. */
    public final String reason() {
        return reason;
    }

    /** One-based; 0 where no line is known. */
    public final int line() {
        return line;
    }

    TemplateException at(int where) {
        return line > 0 ? this : located(where);
    }

    TemplateException located(int where) {
        return new TemplateException(reason, where);
    }
}
