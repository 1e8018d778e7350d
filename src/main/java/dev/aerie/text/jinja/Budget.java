package dev.aerie.text.jinja;

/**
 * Limits the cost of one rendering, because a template comes from a model's folder and is untrusted. A conversation of 10,000
 * messages takes about a million steps with the longest templates known.
 */
final class Budget {

    private static final long MAX_STEPS = 20_000_000;
    /** Also the longest string or list that an expression may build. */
    static final int MAX_CHARACTERS = 64 << 20;
    private static final int MAX_DEPTH = 200;
    /** As jinja2's sandbox has it. */
    static final int MAX_RANGE = 100_000;

    private long steps;
    private int depth;

    void step() {
        if (++steps > MAX_STEPS) {
            throw new TemplateException("the template takes more than " + MAX_STEPS + " steps");
        }
    }

    /** Counts the elements that an operation copies, so that slices in a loop are not free. */
    void steps(int count) {
        steps += count;
        step();
    }

    void enter() {
        if (++depth > MAX_DEPTH) {
            throw new TemplateException("macros or loops call each other more than " + MAX_DEPTH + " deep");
        }
    }

    void leave() {
        depth--;
    }

    static void requireLength(long length) {
        if (length > MAX_CHARACTERS) {
            throw new TemplateException("the template makes a text of more than " + MAX_CHARACTERS + " characters");
        }
    }
}
