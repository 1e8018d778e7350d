package dev.aerie.store;

import java.io.IOException;

/** Writes the chunks of one shard, in order, in a {@link Container}'s format. The same chunks give the same bytes. */
interface ChunkWriter extends AutoCloseable {

    void write(Chunk chunk) throws IOException;

    /** Writes the remaining chunks and the footer. */
    void finish() throws IOException;

    /** Closes without writing anything more. */
    @Override
    void close() throws IOException;
}
