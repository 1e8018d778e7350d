package dev.aerie.train;

import dev.aerie.text.TokenSequence;
import dev.aerie.torch.Tensor;

/** A conversation that has been read and decoded. Its tensors are valid until it is closed, or as long as the caller's scope. */
public interface TrainingSample extends AutoCloseable {

    String id();

    /** Returns its tokens and loss mask [T]. */
    TokenSequence sequence();

    /** Returns the captured states [T, 3 · target hidden]. */
    Tensor aux();

    /** Returns the states after the target's final norm [R, target hidden] of {@link #teacherRows}. */
    Tensor teacherStates();

    /** Returns the rows that have teacher states, ascending. */
    int[] teacherRows();

    /** Gives its memory back; nothing where it has none of its own. */
    @Override
    default void close() {}
}
