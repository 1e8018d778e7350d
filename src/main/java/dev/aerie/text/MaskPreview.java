package dev.aerie.text;

import java.util.Locale;

/** Shows the user which part of a rendered conversation the draft learns from. */
public final class MaskPreview {

    private static final String GREEN = "\u001b[30;42m";
    private static final String RESET = "\u001b[0m";

    private final boolean colours;

    /** @param colours whether the terminal supports colours; otherwise brackets mark the supervised text */
    public MaskPreview(boolean colours) {
        this.colours = colours;
    }

    /** A line of counts, then the text with its supervised parts marked. */
    public String of(MaskedText masked) {
        int tokens = masked.tokens().length();
        return String.format(Locale.ROOT, "%d tokens, %d supervised (%.1f %%)%n%s", tokens, masked.supervisedCount(),
                100.0 * masked.supervisedCount() / Math.max(1, tokens), marked(masked));
    }

    /** Returns the text alone, with its supervised parts marked. */
    public String marked(MaskedText masked) {
        StringBuilder shown = new StringBuilder();
        int at = 0;
        for (Span span : masked.supervisedSpans()) {
            shown.append(masked.text(), at, span.start())
                    .append(colours ? GREEN : "⟦").append(masked.text(), span.start(), span.end()).append(colours ? RESET : "⟧");
            at = span.end();
        }
        return shown.append(masked.text(), at, masked.text().length()).toString();
    }
}
