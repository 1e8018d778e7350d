package dev.aerie.train;

import dev.aerie.store.Part;
import java.util.Optional;

/** A source of conversations with the target's hidden states, stored or computed on demand. */
public interface HiddenStateSource extends AutoCloseable {

    /** Returns the number of tokens of each conversation of a part, always in the same order. */
    int[] lengths(Part part);

    /**
     * Returns where the shards of the part {@code train} begin, and at last the number of its conversations. A training takes
     * shards in order, and the conversations of a shard in an order of the epoch's.
     */
    default int[] shardStarts() {
        return new int[] {0, lengths(Part.TRAIN).length};
    }

    /** Returns the largest number of heap bytes that a conversation takes once it is read. */
    long bytes(Part part, int index);

    /**
     * Reads one conversation. Several threads may read at once, before its use.
     *
     * @param index position in {@link #lengths}
     * @return empty if it was planned and the target had no finite states for it
     */
    Optional<TrainingSample> read(Part part, int index);

    @Override
    void close();
}
