package dev.aerie.store;

import dev.aerie.files.Folder;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileRange;
import org.apache.hadoop.util.functional.FutureIO;

/** A file on any file system, read by positions onto the heap. Ranges of one call are fetched together, from S3 in parallel. */
final class RangedShard implements ShardBytes {

    private final FSDataInputStream in;
    private final long size;

    private RangedShard(FSDataInputStream in, long size) {
        this.in = in;
        this.size = size;
    }

    static RangedShard open(Folder files, String path) throws IOException {
        long size = files.status(path).getLen();
        return new RangedShard(files.open(path), size);
    }

    @Override
    public long size() {
        return size;
    }

    @Override
    public List<ByteBuffer> read(List<Range> ranges) throws IOException {
        List<FileRange> wanted = new ArrayList<>();
        for (Range range : ranges) {
            range.requireWithin(size);
            if (range.length() > 0) {
                wanted.add(FileRange.createFileRange(range.offset(), range.length()));
            }
        }
        if (!wanted.isEmpty()) {
            in.readVectored(wanted, ByteBuffer::allocate);
        }
        List<ByteBuffer> out = new ArrayList<>();
        int next = 0;
        for (Range range : ranges) {
            ByteBuffer bytes = range.length() == 0 ? ByteBuffer.allocate(0) : FutureIO.awaitFuture(wanted.get(next++).getData());
            if (bytes.remaining() != range.length()) {
                throw new IllegalArgumentException(
                        bytes.remaining() + " bytes at " + range.offset() + " (expected " + range.length() + ")");
            }
            out.add(bytes.slice().order(ByteOrder.LITTLE_ENDIAN));
        }
        return out;
    }

    @Override
    public void close() throws IOException {
        in.close();
    }
}
