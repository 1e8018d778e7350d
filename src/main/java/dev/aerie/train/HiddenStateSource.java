package dev.aerie.train;

import dev.aerie.store.Part;
import dev.aerie.text.TokenSequence;
import dev.aerie.torch.Tensor;

/** Conversations with the target's hidden states, whether stored or computed when they are asked for. */
public interface HiddenStateSource extends AutoCloseable {

    /** Tokens of each conversation of a part, always in the same order. */
    int[] lengths(Part part);

    /** Bytes of heap that a conversation takes once it is read, at most. */
    long bytes(Part part, int index);

    /**
     * One conversation. Several threads may read at once, ahead of its use.
     *
     * @param index position in {@link #lengths}
     */
    Conversation read(Part part, int index);

    @Override
    void close();

    /** A conversation that has been read. Its tensors are made, in the caller's scope, when they are asked for. */
    interface Conversation {

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
}
