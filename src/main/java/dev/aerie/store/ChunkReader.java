package dev.aerie.store;

import java.io.IOException;
import java.util.List;
import java.util.Map;

/** Reads the chunks of one shard's file, verifying what checksums the format has. Not thread-safe. */
interface ChunkReader extends AutoCloseable {

    /** Returns the number of chunks in the file. */
    long rows();

    /** Returns the footer's values by their keys. */
    Map<String, String> footer();

    /** Returns the chunk after the one returned last; there must be one. For reading from start to end. */
    Chunk next() throws IOException;

    /** Returns the chunks [from, to); reads no others. */
    List<Chunk> read(int from, int to) throws IOException;

    @Override
    void close() throws IOException;
}
