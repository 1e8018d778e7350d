package dev.aerie.text.jinja;

/** The text written so far, up to the length that a rendering may have. */
final class Output {

    private final StringBuilder text = new StringBuilder();

    void append(String part) {
        Budget.requireLength((long) text.length() + part.length());
        text.append(part);
    }

    String text() {
        return text.toString();
    }
}
