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

    /** Returns the largest number of bytes that a conversation takes while it is read and afterwards, native memory included. */
    long bytes(Part part, int index);

    /**
     * Reads and decodes one conversation, which the caller closes. Several threads may read at once, before its use.
     *
     * @param index position in {@link #lengths}
     * @return empty if it was planned and the target had no finite states for it
     * @throws dev.aerie.store.CorruptChunkException if what is stored of it is not what was written
     */
    Optional<TrainingSample> read(Part part, int index);

    @Override
    void close();
}
