package dev.aerie.text.jinja;

/** The template itself refused its input, by {@code raise_exception}; {@link #reason()} is what it said. */
public final class TemplateRaisedException extends TemplateException {

    private static final long serialVersionUID = 1L;

    TemplateRaisedException(String reason) {
        super(reason);
    }

    private TemplateRaisedException(String reason, int line) {
        super(reason, line);
    }

    @Override
    TemplateException located(int where) {
        return new TemplateRaisedException(reason(), where);
    }
}
