package dev.aerie.text;

import java.util.ArrayList;
import java.util.List;

/** A rendered conversation, its tokens, and which of them are supervised. */
public record MaskedText(String text, TokenizedText tokens, boolean[] lossMask) {

    /** Returns the supervised tokens as pieces of the text; neighbours are one piece. */
    public List<Span> supervisedSpans() {
        List<Span> spans = new ArrayList<>();
        for (int i = 0; i < lossMask.length; i++) {
            if (!lossMask[i]) {
                continue;
            }
            int start = tokens.starts()[i];
            int end = tokens.ends()[i];
            Span last = spans.isEmpty() ? null : spans.get(spans.size() - 1);
            if (last != null && start <= last.end() && lossMask[i - 1]) {
                spans.set(spans.size() - 1, new Span(last.start(), Math.max(last.end(), end)));
            } else {
                spans.add(new Span(start, end));
            }
        }
        return spans;
    }

    public int supervisedCount() {
        int count = 0;
        for (boolean one : lossMask) {
            count += one ? 1 : 0;
        }
        return count;
    }
}
