package dev.aerie.store;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;

/**
 * A file mapped into memory: reading a range returns a view of it, and the disk is read when the view is.
 *
 * <p>{@link FileChannel#map} stops at 2 GiB, so the file is mapped in windows, each reaching into the next. A view keeps its
 * window mapped; the garbage collector unmaps windows without views. A file that is truncated while it is mapped makes reading
 * fail with an
 * InternalError; a store's files are replaced, never changed.
 */
final class MappedShard implements ShardBytes {

    /** From the start of a window to that of the next; the longest range. */
    private static final long WINDOW = 1L << 30;

    private final long size;
    private final long window;
    private final List<ByteBuffer> windows;

    private MappedShard(long size, long window, List<ByteBuffer> windows) {
        this.size = size;
        this.window = window;
        this.windows = windows;
    }

    static MappedShard open(Path file) throws IOException {
        return open(file, WINDOW);
    }

    /** @param window bytes from the start of a window to that of the next */
    static MappedShard open(Path file, long window) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            long size = channel.size();
            List<ByteBuffer> windows = new ArrayList<>();
            for (long start = 0; start < size; start += window) {
                long length = Math.min(size - start, Math.min(2 * window, Integer.MAX_VALUE));
                windows.add(channel.map(FileChannel.MapMode.READ_ONLY, start, length));
            }
            return new MappedShard(size, window, windows);
        }
    }

    @Override
    public long size() {
        return size;
    }

    @Override
    public List<ByteBuffer> read(List<Range> ranges) {
        return ranges.stream().map(this::view).toList();
    }

    private ByteBuffer view(Range range) {
        range.requireWithin(size);
        if (range.length() == 0) {
            return ByteBuffer.allocate(0);
        }
        ByteBuffer mapped = windows.get((int) (range.offset() / window));
        int start = (int) (range.offset() % window);
        if (range.length() > mapped.capacity() - start) {
            throw new IllegalArgumentException(
                    range.length() + " bytes at " + range.offset() + " (expected at most " + window + ")");
        }
        return mapped.slice(start, range.length()).order(ByteOrder.LITTLE_ENDIAN);
    }

    @Override
    public void close() {
        windows.clear();
    }
}
