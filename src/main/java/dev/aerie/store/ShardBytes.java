package dev.aerie.store;

import dev.aerie.files.Folder;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** A shard's file, read by ranges. Not thread-safe; the bytes returned stay valid after it is closed. */
interface ShardBytes extends AutoCloseable {

    /** Part of a file. */
    record Range(long offset, int length) {

        /** @throws IllegalArgumentException if it does not lie within a file of this size */
        void requireWithin(long size) {
            if (offset < 0 || length < 0 || offset > size - length) {
                throw new IllegalArgumentException(
                        length + " bytes at " + offset + " (expected within the " + size + " bytes of the file)");
            }
        }
    }

    /** Opens a file: mapped if it lies on this machine's disk. */
    static ShardBytes open(Folder files, String path) throws IOException {
        Optional<Path> local = files.onThisDisk(path);
        return local.isPresent() ? MappedShard.open(local.get()) : RangedShard.open(files, path);
    }

    /** Returns the length of the file. */
    long size();

    /**
     * Reads ranges, in any order.
     *
     * @return the bytes of each, little-endian, from position 0
     * @throws IllegalArgumentException if one does not lie within the file
     */
    List<ByteBuffer> read(List<Range> ranges) throws IOException;

    @Override
    void close() throws IOException;
}
