package dev.aerie.draft;

import dev.aerie.errors.Choice;

/**
 * Which rows of a sequence carry loss at which TTT step.
 *
 * <p>In both, row t of a sequence reads at step i token t+1+i and is taught by the target's distribution after that token (the
 * teacher of row t+1+i), which is about token t+2+i. A row whose teacher's arg-max is outside the draft vocabulary carries no
 * loss and counts as wrong in the accuracy.
 */
public enum LossMode implements Choice {

    /**
     * The rows that serving drafts from: tokens t+1 … t+2+i are all supervised. The loss of a step is the mean over its loss
     * rows.
     */
    STRICT {
        @Override
        boolean counts(boolean[] lossMask, int start, int end, int row, int step) {
            for (int t = row + 1; t <= row + 2 + step; t++) {
                if (t >= end || !lossMask[t]) {
                    return false;
                }
            }
            return true;
        }

        @Override
        public boolean teaches(boolean[] lossMask, int start, int end, int row) {
            return row > start && row + 1 < end && lossMask[row] && lossMask[row + 1];
        }
    },

    /**
     * SpecForge's convention (a6b6b023), for parity: ids and teacher are shifted, the mask is not, so that token t+i decides;
     * the last token of a sequence never counts. The loss of a step is the mean over all rows, prompt included.
     */
    SPECFORGE {
        @Override
        boolean counts(boolean[] lossMask, int start, int end, int row, int step) {
            return row + step < end - 1 && lossMask[row + step];
        }

        @Override
        public boolean teaches(boolean[] lossMask, int start, int end, int row) {
            return row > start && row < end && lossMask[row - 1];
        }
    };

    /** Neighbouring supervised tokens after the first without which a sequence has no row of {@link #STRICT}. */
    public static final int STRICT_RUN = 2;

    /** Whether row and step enter the accuracy, as hits or misses. */
    abstract boolean counts(boolean[] lossMask, int start, int end, int row, int step);

    /**
     * Whether some loss needs the teacher, that is the target's state after its final norm, of a row.
     *
     * @param lossMask of all tokens of a micro-batch
     * @param start first token of the row's sequence
     * @param end end of it, exclusive
     */
    public abstract boolean teaches(boolean[] lossMask, int start, int end, int row);
}
