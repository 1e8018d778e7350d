package dev.aerie.evaluate;

import java.io.Serializable;

/**
 * The first position at which the text decoded with a draft differs from the text of the target alone.
 *
 * @param token its place in the text
 * @param gap of the target's two best logits there: under {@link #ROUNDING} in float32 it is a toss-up, since one row and a block
 *     of rows are multiplied in another order
 */
record Divergence(int token, double gap) implements Serializable {

    static final double ROUNDING = 1e-4;
}
