package dev.aerie.evaluate;

import java.io.Serializable;

/**
 * The first position at which the text decoded with a draft differs from the text of the target alone.
 *
 * @param token its position in the text
 * @param gap difference of the target's two best logits there: in float32, a gap below {@link #ROUNDING} means that rounding
 *     decided, because one row and a block of rows are multiplied in different orders
 */
record Divergence(int token, double gap) implements Serializable {

    static final double ROUNDING = 1e-4;
}
