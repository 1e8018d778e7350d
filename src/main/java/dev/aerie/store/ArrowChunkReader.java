package dev.aerie.store;

import dev.aerie.store.ArrowFormat.BatchBlock;
import dev.aerie.store.ArrowFormat.BodyBuffer;
import dev.aerie.store.ShardBytes.Range;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.IntStream;
import org.apache.arrow.flatbuf.Buffer;
import org.apache.arrow.flatbuf.FieldNode;
import org.apache.arrow.flatbuf.Message;
import org.apache.arrow.flatbuf.MessageHeader;
import org.apache.arrow.flatbuf.RecordBatch;

/**
 * Reads what {@link ArrowChunkWriter} wrote, by the buffers' positions that the file gives.
 *
 * <p>Every position, length and count is checked against the file's size and the schema, every value that is read by its
 * checksum, and the values' lengths by {@link ShardReader}. A call reads the record batches' metadata, then the offsets of the
 * columns, then their values, each of these at once.
 */
final class ArrowChunkReader implements ChunkReader {

    /** Rows of a record batch that are asked for. */
    private record Part(int batch, int from, int to) {

        int rows() {
            return to - from;
        }
    }

    /**
     * What a record batch's metadata say.
     *
     * @param checksums of the values of each row, column after column of the file
     */
    private record Batch(List<BodyBuffer> buffers, int[] checksums) {}

    private final ShardBytes file;
    private final ShardSchema schema;
    private final ArrowFooter footer;
    /** Of each column of the schema: its number in the file. */
    private final int[] places;
    /** Of each column of the schema: its first buffer in a record batch. */
    private final int[] firstBuffers;
    private final int buffers;
    private final int rows;
    /** The record batches that were read from. */
    private final Map<Integer, Batch> known = new HashMap<>();
    private final Deque<Chunk> ahead = new ArrayDeque<>();
    private int nextBatch;

    /** @param file closed with the reader, and if this throws */
    ArrowChunkReader(ShardBytes file, ShardSchema schema) throws IOException {
        this.file = file;
        this.schema = schema;
        try {
            this.footer = ArrowFooter.read(file);
            schema.requireIn(footer.columns());
            int[] first = new int[footer.columns().size() + 1];
            for (int i = 0; i < footer.columns().size(); i++) {
                first[i + 1] = first[i] + ArrowFormat.buffers(footer.columns().get(i));
            }
            this.places = schema.columns().stream().mapToInt(footer.columns()::indexOf).toArray();
            this.firstBuffers = IntStream.of(places).map(place -> first[place]).toArray();
            this.buffers = first[footer.columns().size()];
            this.rows = Math.toIntExact(footer.batches().stream().mapToLong(BatchBlock::rows).sum());
        } catch (IOException | RuntimeException e) {
            file.close();
            throw e;
        }
    }

    @Override
    public long rows() {
        return rows;
    }

    @Override
    public Map<String, String> footer() {
        return footer.metadata();
    }

    /** Reads a whole record batch at a time. */
    @Override
    public Chunk next() throws IOException {
        if (ahead.isEmpty()) {
            ahead.addAll(read(List.of(new Part(nextBatch, 0, footer.batches().get(nextBatch).rows()))));
            nextBatch++;
        }
        return ahead.remove();
    }

    @Override
    public List<Chunk> read(int from, int to) throws IOException {
        List<Part> parts = new ArrayList<>();
        int start = 0;
        for (int batch = 0; batch < footer.batches().size(); batch++) {
            int end = start + footer.batches().get(batch).rows();
            Part part = new Part(batch, Math.max(from, start) - start, Math.min(to, end) - start);
            if (part.rows() > 0) {
                parts.add(part);
            }
            start = end;
        }
        return read(parts);
    }

    private List<Chunk> read(List<Part> parts) throws IOException {
        readMetadata(parts);
        Iterator<ByteBuffer> offsets = file.read(offsetRanges(parts)).iterator();
        List<Range> ranges = new ArrayList<>();
        Map<Part, int[][]> bounds = new HashMap<>();
        for (Part part : parts) {
            int[][] ofPart = new int[schema.columns().size()][];
            for (int column = 0; column < ofPart.length; column++) {
                if (isInteger(column)) {
                    ranges.add(range(part, firstBuffers[column] + 1, (long) Integer.BYTES * part.from(),
                            (long) Integer.BYTES * part.rows()));
                } else {
                    ofPart[column] = bounds(part, column, offsets.next());
                    int first = ofPart[column][0];
                    ranges.add(range(part, firstBuffers[column] + 2, first, ofPart[column][part.rows()] - first));
                }
            }
            bounds.put(part, ofPart);
        }
        Iterator<ByteBuffer> values = file.read(ranges).iterator();
        List<Chunk> chunks = new ArrayList<>();
        for (Part part : parts) {
            ByteBuffer[] ofPart = new ByteBuffer[schema.columns().size()];
            for (int column = 0; column < ofPart.length; column++) {
                ofPart[column] = values.next();
            }
            for (int row = 0; row < part.rows(); row++) {
                chunks.add(chunk(part, ofPart, bounds.get(part), row));
            }
        }
        return chunks;
    }

    private boolean isInteger(int column) {
        return schema.columns().get(column).type() == ShardColumn.Type.INTEGER;
    }

    private List<Range> offsetRanges(List<Part> parts) {
        List<Range> ranges = new ArrayList<>();
        for (Part part : parts) {
            for (int column = 0; column < schema.columns().size(); column++) {
                if (!isInteger(column)) {
                    ranges.add(range(part, firstBuffers[column] + 1, (long) Integer.BYTES * part.from(),
                            Integer.BYTES * (part.rows() + 1L)));
                }
            }
        }
        return ranges;
    }

    /** Returns where the values of a part's rows begin, and where the last one ends. */
    private int[] bounds(Part part, int column, ByteBuffer offsets) {
        int[] bounds = new int[part.rows() + 1];
        offsets.asIntBuffer().get(bounds);
        for (int row = 0; row < part.rows(); row++) {
            if (bounds[row] < 0 || bounds[row + 1] < bounds[row]) {
                throw new IllegalArgumentException("a value of " + schema.columns().get(column).name() + " from " + bounds[row]
                        + " to " + bounds[row + 1] + " (expected ascending, from 0)");
            }
            long length = (long) bounds[row + 1] - bounds[row];
            if (length > longest(column)) {
                throw new IllegalArgumentException("a value of " + schema.columns().get(column).name() + " of " + length
                        + " bytes (expected at most " + longest(column) + ")");
            }
        }
        return bounds;
    }

    /** Damaged offsets are not to make a reader ask for gigabytes. */
    private long longest(int column) {
        if (column < ShardSchema.STATES) {
            return 16 << 20;
        }
        int[] planes = schema.layout().codec().planeBytes(Chunk.MAX_TOKENS, schema.layout().hiddenSize());
        return planes[(column - ShardSchema.STATES) % planes.length];
    }

    /** Returns a range of one of a batch's buffers, as one of the file. */
    private Range range(Part part, int buffer, long from, long length) {
        BatchBlock batch = footer.batches().get(part.batch());
        BodyBuffer place = known.get(part.batch()).buffers().get(buffer);
        if (from + length > place.length()) {
            throw new IllegalArgumentException("a buffer of " + place.length() + " bytes in record batch " + part.batch()
                    + " (expected " + (from + length) + ")");
        }
        return new Range(batch.offset() + batch.metadataBytes() + place.offset() + from, Math.toIntExact(length));
    }

    private Chunk chunk(Part part, ByteBuffer[] values, int[][] bounds, int row) {
        ByteBuffer[] binaries = new ByteBuffer[values.length];
        int[] integers = new int[values.length];
        for (int column = 0; column < values.length; column++) {
            if (isInteger(column)) {
                requireSum(part, column, row, values[column].slice(Integer.BYTES * row, Integer.BYTES));
                integers[column] = values[column].getInt(Integer.BYTES * row);
            } else {
                int first = bounds[column][row];
                binaries[column] = values[column].slice(first - bounds[column][0], bounds[column][row + 1] - first);
                requireSum(part, column, row, binaries[column]);
            }
        }
        int planes = schema.layout().codec().planes().size();
        List<EncodedStates> states = new ArrayList<>();
        for (int column = ShardSchema.STATES; column < values.length; column += planes) {
            states.add(new EncodedStates(Arrays.asList(binaries).subList(column, column + planes)));
        }
        return Chunk.ofRow(binaries, integers, states);
    }

    private void requireSum(Part part, int column, int row, ByteBuffer value) {
        int rowInBatch = part.from() + row;
        int before = places[column] * footer.batches().get(part.batch()).rows();
        int expected = known.get(part.batch()).checksums()[before + rowInBatch];
        int found = ArrowFormat.checksum(value);
        if (found != expected) {
            throw new IllegalArgumentException(String.format(Locale.ROOT,
                    "the checksum of %s in row %d of record batch %d is %08x (expected %08x)",
                    schema.columns().get(column).name(), rowInBatch, part.batch(), found, expected));
        }
    }

    private void readMetadata(List<Part> parts) throws IOException {
        List<Integer> wanted = parts.stream().map(Part::batch).filter(batch -> !known.containsKey(batch)).toList();
        List<ByteBuffer> read = file.read(wanted.stream()
                .map(footer.batches()::get)
                .map(batch -> new Range(batch.offset(), batch.metadataBytes()))
                .toList());
        for (int i = 0; i < wanted.size(); i++) {
            int batch = wanted.get(i);
            known.put(batch, batch(read.get(i), footer.batches().get(batch), batch));
        }
    }

    private Batch batch(ByteBuffer message, BatchBlock block, int number) {
        int length = message.getInt(Integer.BYTES);
        if (message.getInt(0) != ArrowFormat.CONTINUATION || length != block.metadataBytes() - ArrowFormat.PREFIX) {
            throw new IllegalArgumentException("no message at " + block.offset() + " (expected record batch " + number + ")");
        }
        Message read = Message.getRootAsMessage(message.slice(ArrowFormat.PREFIX, length));
        RecordBatch batch = read.headerType() == MessageHeader.RecordBatch ? (RecordBatch) read.header(new RecordBatch()) : null;
        if (batch == null || batch.length() != block.rows() || batch.compression() != null
                || read.bodyLength() != block.bodyBytes() || batch.nodesLength() != footer.columns().size()
                || batch.buffersLength() != buffers) {
            throw new IllegalArgumentException("record batch " + number + " is not what the footer says (expected " + block.rows()
                    + " rows, uncompressed, in " + buffers + " buffers and " + block.bodyBytes() + " bytes)");
        }
        for (int i = 0; i < batch.nodesLength(); i++) {
            FieldNode node = batch.nodes(i);
            if (node.length() != block.rows() || node.nullCount() != 0) {
                throw new IllegalArgumentException("column " + footer.columns().get(i).name() + " of record batch " + number
                        + " has " + node.length() + " rows and " + node.nullCount() + " without a value (expected "
                        + block.rows() + " and 0)");
            }
        }
        List<BodyBuffer> out = new ArrayList<>();
        for (int i = 0; i < buffers; i++) {
            Buffer buffer = batch.buffers(i);
            if (buffer.offset() < 0 || buffer.length() < 0 || buffer.offset() > block.bodyBytes() - buffer.length()) {
                throw new IllegalArgumentException("a buffer of " + buffer.length() + " bytes at " + buffer.offset()
                        + " of record batch " + number + " (expected within its " + block.bodyBytes() + ")");
            }
            out.add(new BodyBuffer(buffer.offset(), buffer.length()));
        }
        int[] checksums = ArrowFormat.checksums(read, footer.columns().size() * block.rows());
        if (checksums == null) {
            throw new IllegalArgumentException("record batch " + number + " has no " + ArrowFormat.CHECKSUMS + " of "
                    + footer.columns().size() * block.rows() + " values");
        }
        return new Batch(out, checksums);
    }

    @Override
    public void close() throws IOException {
        ahead.clear();
        file.close();
    }
}
