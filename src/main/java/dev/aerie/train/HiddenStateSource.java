package dev.aerie.train;

import dev.aerie.store.Part;

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
    TrainingSample read(Part part, int index);

    @Override
    void close();
}
