package dev.aerie.train;

import dev.aerie.text.TokenSequence;
import dev.aerie.torch.Tensor;

/** A conversation that has been read. Methods create its tensors on each call, in the caller's scope. */
public interface TrainingSample {

    String id();

    /** Returns its tokens and loss mask [T]. */
    TokenSequence sequence();

    /** Returns the captured states [T, 3 · target hidden]. */
    Tensor aux();

    /** Returns the states after the target's final norm [R, target hidden] of {@link #teacherRows}. */
    Tensor teacherStates();

    /** Returns the rows that have teacher states, ascending. */
    int[] teacherRows();
}
