package dev.aerie.train;

import dev.aerie.text.TokenSequence;
import dev.aerie.torch.Tensor;

/** A conversation that has been read. Its tensors are made, in the caller's scope, when they are asked for. */
public interface TrainingSample {

    String id();

    /** Its tokens and loss mask [T]. */
    TokenSequence sequence();

    /** Captured states [T, 3 · target hidden]. */
    Tensor aux();

    /** States after the target's final norm [R, target hidden] of {@link #teacherRows}. */
    Tensor teacherStates();

    /** The rows, ascending. */
    int[] teacherRows();
}
