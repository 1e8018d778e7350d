package dev.aerie.store;

import dev.aerie.files.NewFile;
import dev.aerie.store.ArrowFormat.BatchBlock;
import dev.aerie.store.ArrowFormat.BodyBuffer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * Writes a shard as an Arrow IPC file, uncompressed. Every buffer begins at a multiple of 64 bytes in the file, so that a mapped
 * one can be used where it lies. The states' bytes go from the codec's planes into the file without a copy.
 */
final class ArrowChunkWriter implements ChunkWriter {

    /** Of the values of a record batch, unless a single chunk has more. */
    private static final long BATCH_BYTES = 16L << 20;

    private final NewFile out;
    private final ShardSchema schema;
    private final Map<String, String> footer;
    private final List<BatchBlock> batches = new ArrayList<>();
    private final List<Chunk> pending = new ArrayList<>();
    private long pendingBytes;
    private byte[] copy = new byte[0];

    ArrowChunkWriter(NewFile out, ShardSchema schema, Map<String, String> footer) throws IOException {
        this.out = out;
        this.schema = schema;
        this.footer = footer;
        out.write(ArrowFormat.MAGIC);
        out.write(new byte[2]);
        out.write(ArrowFormat.schemaMessage(schema, footer, (int) out.bytes()));
    }

    @Override
    public void write(Chunk chunk) throws IOException {
        long bytes = 0;
        for (EncodedStates states : chunk.states()) {
            for (ByteBuffer plane : states.planes()) {
                bytes += plane.remaining();
            }
        }
        if (!pending.isEmpty() && pendingBytes + bytes > BATCH_BYTES) {
            endBatch();
        }
        pending.add(chunk);
        pendingBytes += bytes;
    }

    private void endBatch() throws IOException {
        int rows = pending.size();
        List<List<ByteBuffer>> buffers = new ArrayList<>();
        IntStream.Builder checksums = IntStream.builder();
        for (int column = 0; column < schema.columns().size(); column++) {
            buffers.add(List.of());
            if (schema.columns().get(column).type() == ShardColumn.Type.INTEGER) {
                ByteBuffer values = integers(column);
                buffers.add(List.of(values));
                for (int row = 0; row < rows; row++) {
                    checksums.add(ArrowFormat.checksum(values.slice(Integer.BYTES * row, Integer.BYTES)));
                }
            } else {
                List<ByteBuffer> values = new ArrayList<>();
                for (Chunk chunk : pending) {
                    values.add(chunk.binary(column));
                }
                values.forEach(value -> checksums.add(ArrowFormat.checksum(value)));
                buffers.add(List.of(offsets(values)));
                buffers.add(values);
            }
        }
        List<BodyBuffer> places = new ArrayList<>();
        long bodyBytes = 0;
        for (List<ByteBuffer> parts : buffers) {
            long length = parts.stream().mapToLong(ByteBuffer::remaining).sum();
            places.add(new BodyBuffer(bodyBytes, length));
            bodyBytes += ArrowFormat.padded(length);
        }
        byte[] metadata = ArrowFormat.batchMessage(schema.columns(), rows, places, bodyBytes,
                checksums.build().toArray());
        batches.add(new BatchBlock(out.bytes(), metadata.length, bodyBytes, rows));
        out.write(metadata);
        for (List<ByteBuffer> parts : buffers) {
            for (ByteBuffer part : parts) {
                write(part);
            }
            out.write(new byte[(int) (ArrowFormat.padded(out.bytes()) - out.bytes())]);
        }
        pending.clear();
        pendingBytes = 0;
    }

    private ByteBuffer integers(int column) {
        ByteBuffer values = ByteBuffer.allocate(Integer.BYTES * pending.size()).order(ByteOrder.LITTLE_ENDIAN);
        pending.forEach(chunk -> values.putInt(chunk.integer(column)));
        return values.flip();
    }

    private static ByteBuffer offsets(List<ByteBuffer> values) {
        ByteBuffer offsets = ByteBuffer.allocate(Integer.BYTES * (values.size() + 1)).order(ByteOrder.LITTLE_ENDIAN);
        int end = 0;
        offsets.putInt(end);
        for (ByteBuffer value : values) {
            end = Math.addExact(end, value.remaining());
            offsets.putInt(end);
        }
        return offsets.flip();
    }

    private void write(ByteBuffer bytes) throws IOException {
        if (bytes.hasArray()) {
            out.write(bytes.array(), bytes.arrayOffset() + bytes.position(), bytes.remaining());
            return;
        }
        if (copy.length < bytes.remaining()) {
            copy = new byte[bytes.remaining()];
        }
        int length = bytes.remaining();
        bytes.duplicate().get(copy, 0, length);
        out.write(copy, 0, length);
    }

    @Override
    public void finish() throws IOException {
        if (!pending.isEmpty()) {
            endBatch();
        }
        out.write(ArrowFormat.end(schema, footer, batches));
    }

    @Override
    public void close() {
        pending.clear();
    }
}
