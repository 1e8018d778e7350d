package dev.aerie.train;

import dev.aerie.store.Part;

/** A source of conversations with the target's hidden states, stored or computed on demand. */
public interface HiddenStateSource extends AutoCloseable {

    /** Returns the number of tokens of each conversation of a part, always in the same order. */
    int[] lengths(Part part);

    /** Returns the largest number of heap bytes that a conversation takes once it is read. */
    long bytes(Part part, int index);

    /**
     * Reads one conversation. Several threads may read at once, before its use.
     *
     * @param index position in {@link #lengths}
     */
    TrainingSample read(Part part, int index);

    @Override
    void close();
}
