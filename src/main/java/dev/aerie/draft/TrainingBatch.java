package dev.aerie.draft;

import dev.aerie.text.TokenSequence;
import dev.aerie.torch.Tensor;
import java.util.Arrays;

/**
 * A micro-batch: concatenated sequences with the target's states.
 *
 * @param packed the T tokens and their loss mask
 * @param cuSeqlens 0, end of the first sequence, …, T
 * @param aux [T, 3 · target hidden]: outputs of the captured layers, low, mid, high
 * @param teacherStates [R, target hidden]: states after the target's final norm
 * @param teacherRows the row of each teacher state, ascending
 */
public record TrainingBatch(
        TokenSequence packed, long[] cuSeqlens, Tensor aux, Tensor teacherStates, long[] teacherRows) {

    /** @throws IllegalArgumentException if the lengths disagree */
    public TrainingBatch {
        int tokens = packed.length();
        require(cuSeqlens.length >= 2 && cuSeqlens[0] == 0 && cuSeqlens[cuSeqlens.length - 1] == tokens,
                "cuSeqlens", Arrays.toString(cuSeqlens), "0 to " + tokens);
        for (int i = 1; i < cuSeqlens.length; i++) {
            require(cuSeqlens[i] > cuSeqlens[i - 1], "cuSeqlens", Arrays.toString(cuSeqlens), "ascending, no empty sequence");
        }
        require(aux.rank() == 2 && aux.size(0) == tokens, "aux", aux, "[" + tokens + ", 3 * target hidden]");
        require(teacherStates.rank() == 2 && teacherStates.size(0) == teacherRows.length,
                "teacherStates", teacherStates, "[" + teacherRows.length + ", target hidden]");
        for (int i = 0; i < teacherRows.length; i++) {
            require(teacherRows[i] < tokens && teacherRows[i] >= 0 && (i == 0 || teacherRows[i] > teacherRows[i - 1]),
                    "teacherRows", teacherRows[i], "ascending rows under " + tokens);
        }
    }

    /** Returns T. */
    int tokens() {
        return packed.length();
    }

    /** Returns the token ids [T]. */
    public int[] inputIds() {
        return packed.inputIds();
    }

    /** Returns [T], true for tokens of the target's turns, end of turn included. */
    public boolean[] lossMask() {
        return packed.lossMask();
    }

    int sequences() {
        return cuSeqlens.length - 1;
    }

    int start(int sequence) {
        return (int) cuSeqlens[sequence];
    }

    int end(int sequence) {
        return (int) cuSeqlens[sequence + 1];
    }

    private static void require(boolean good, String what, Object value, String expected) {
        if (!good) {
            throw new IllegalArgumentException("Invalid training batch: " + what + " " + value + " (expected " + expected + ")");
        }
    }
}
