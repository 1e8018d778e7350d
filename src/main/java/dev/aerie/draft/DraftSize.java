package dev.aerie.draft;

/** The number of parameters of a draft and the cost of its training, computed from the shapes of its weights. */
public record DraftSize(DraftConfig config, long parameters) {

    public static DraftSize of(DraftConfig config) {
        return new DraftSize(config, new DraftLayout(config).size());
    }

    /**
     * Returns the floating-point operations of one pass over the store: forward, and backward with twice as many.
     *
     * <p>The layer runs on every token at every TTT step, fc once. The draft's lm_head runs on supervised tokens at every step;
     * the target's, restricted to the draft's vocabulary, runs on them once.
     *
     * @param length tokens of a conversation
     * @param supervised share of the tokens
     */
    public double trainingFlops(double tokens, double length, double supervised, int steps) {
        double fc = 0;
        double head = 0;
        double layer = 0;
        for (DraftLayout.Entry entry : new DraftLayout(config).entries()) {
            if (entry.name().equals("fc.weight")) {
                fc += entry.count();
            } else if (entry.name().equals("lm_head.weight")) {
                head += entry.count();
            } else if (!entry.isNorm()) {
                layer += entry.count();
            }
        }
        double seen = 0;
        for (int step = 0; step < steps; step++) {
            // The keys of step 0, and one step key for each step since.
            seen += (length + 1) / 2 + step;
        }
        double attention = 2.0 * 2 * config.queryWidth() * seen;
        double forward = 2 * (fc + steps * layer + steps * supervised * head) + attention;
        double teacher = 2.0 * supervised * config.targetHiddenSize() * config.draftVocabSize();
        return tokens * (3 * forward + teacher);
    }
}
