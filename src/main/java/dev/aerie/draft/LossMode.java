package dev.aerie.draft;

import dev.aerie.errors.Choice;

/**
 * Determines which rows of a sequence carry loss at which TTT step.
 *
 * <p>In both modes, row t of a sequence reads token t+1+i at step i, and its teacher is the target's distribution after that
 * token (row t+1+i of the target), which predicts token t+2+i. A row whose teacher's arg-max is outside the draft vocabulary
 * carries no loss and counts as wrong in the accuracy.
 */
public enum LossMode implements Choice {

    /**
     * Rows from which serving engines draft: tokens t+1 … t+2+i are all supervised. The loss of a step is the mean over its loss
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
     * SpecForge's convention (a6b6b023), for parity: ids and teacher are shifted and the mask is not, so token t+i decides; the
     * last token of a sequence never counts. The loss of a step is the mean over all rows, including those of the prompt.
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

    /** Adjacent supervised tokens, after the first token, without which a sequence has no {@link #STRICT} row. */
    public static final int STRICT_RUN = 2;

    /** Returns whether a row at a step enters the accuracy. */
    abstract boolean counts(boolean[] lossMask, int start, int end, int row, int step);

    /**
     * Returns whether a loss needs the teacher of a row, which is the target's state after its final norm.
     *
     * @param lossMask of all tokens of a micro-batch
     * @param start first token of the row's sequence
     * @param end end of the sequence, exclusive
     */
    public abstract boolean teaches(boolean[] lossMask, int start, int end, int row);
}
