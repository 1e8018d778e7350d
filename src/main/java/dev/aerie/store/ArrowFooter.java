package dev.aerie.store;

import dev.aerie.store.ArrowFormat.BatchBlock;
import dev.aerie.store.ShardBytes.Range;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.arrow.flatbuf.Block;
import org.apache.arrow.flatbuf.Endianness;
import org.apache.arrow.flatbuf.Field;
import org.apache.arrow.flatbuf.Footer;
import org.apache.arrow.flatbuf.Int;
import org.apache.arrow.flatbuf.KeyValue;
import org.apache.arrow.flatbuf.MetadataVersion;
import org.apache.arrow.flatbuf.Schema;

/**
 * The footer of an Arrow IPC file, checked: every record batch lies within the file.
 *
 * @param columns all of the file's, in its order
 * @param metadata of the schema
 * @param batches in order
 */
record ArrowFooter(List<ShardColumn> columns, Map<String, String> metadata, List<BatchBlock> batches) {

    /** What is read of a file's end at first: the footer of a thousand record batches. */
    private static final int FIRST_READ = 64 << 10;
    /** More than the metadata of a record batch with a thousand columns. */
    private static final int LONGEST_METADATA = 1 << 20;

    /** @throws RuntimeException if the bytes are no such footer */
    static ArrowFooter read(ShardBytes file) throws IOException {
        long least = ArrowFormat.MAGIC.length + 2 + ArrowFormat.TAIL;
        if (file.size() < least) {
            throw new IllegalArgumentException(file.size() + " bytes (expected at least " + least + ")");
        }
        ByteBuffer end = last(file, (int) Math.min(FIRST_READ, file.size()));
        byte[] magic = new byte[ArrowFormat.MAGIC.length];
        end.get(end.limit() - magic.length, magic);
        if (!Arrays.equals(magic, ArrowFormat.MAGIC)) {
            throw new IllegalArgumentException("its end is no Arrow IPC file's (expected ARROW1)");
        }
        int length = end.getInt(end.limit() - ArrowFormat.TAIL);
        if (length < 1 || length > file.size() - least) {
            throw new IllegalArgumentException("a footer of " + length + " bytes (expected within the file's " + file.size()
                    + ")");
        }
        if (length > end.limit() - ArrowFormat.TAIL) {
            end = last(file, Math.addExact(length, ArrowFormat.TAIL));
        }
        // A copy on the heap, at position 0: FlatBuffers' strings are read faster from an array.
        byte[] bytes = new byte[length];
        end.get(end.limit() - ArrowFormat.TAIL - length, bytes);
        Footer footer = Footer.getRootAsFooter(ByteBuffer.wrap(bytes));
        if (footer.version() != MetadataVersion.V5) {
            throw new IllegalArgumentException("metadata version " + footer.version() + " (expected " + MetadataVersion.V5
                    + ", which is V5)");
        }
        Schema schema = footer.schema();
        if (schema == null || schema.endianness() != Endianness.Little) {
            throw new IllegalArgumentException("no little-endian schema (expected one)");
        }
        return new ArrowFooter(columns(schema, length), metadata(schema, length),
                batches(footer, file.size() - ArrowFormat.TAIL - length, length));
    }

    private static ByteBuffer last(ShardBytes file, int bytes) throws IOException {
        return file.read(List.of(new Range(file.size() - bytes, bytes))).get(0);
    }

    private static List<ShardColumn> columns(Schema schema, int bytes) {
        List<ShardColumn> columns = new ArrayList<>();
        for (int i = 0; i < count(schema.fieldsLength(), bytes); i++) {
            Field field = schema.fields(i);
            ShardColumn found = null;
            for (ShardColumn.Type type : ShardColumn.Type.values()) {
                if (field.typeType() == ArrowFormat.type(type) && field.dictionary() == null && field.childrenLength() == 0
                        && (type != ShardColumn.Type.INTEGER || isInt32(field))) {
                    found = new ShardColumn(field.name(), type);
                }
            }
            if (found == null) {
                // Where the next column's buffers begin is known by this one's type.
                throw new IllegalArgumentException("column " + field.name() + " of type " + field.typeType()
                        + " (expected utf8, int32 or binary)");
            }
            columns.add(found);
        }
        return columns;
    }

    private static boolean isInt32(Field field) {
        Int type = (Int) field.type(new Int());
        return type != null && type.bitWidth() == Integer.SIZE && type.isSigned();
    }

    private static Map<String, String> metadata(Schema schema, int bytes) {
        Map<String, String> metadata = new HashMap<>();
        for (int i = 0; i < count(schema.customMetadataLength(), bytes); i++) {
            KeyValue pair = schema.customMetadata(i);
            metadata.put(pair.key(), pair.value());
        }
        return metadata;
    }

    private static List<BatchBlock> batches(Footer footer, long end, int bytes) {
        int count = count(footer.recordBatchesLength(), bytes);
        int[] rows = rows(footer, bytes);
        if (rows.length != count) {
            throw new IllegalArgumentException("rows of " + rows.length + " record batches (expected of " + count + ")");
        }
        List<BatchBlock> batches = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            Block block = footer.recordBatches(i);
            boolean sound = block.offset() >= 0 && block.metaDataLength() > ArrowFormat.PREFIX
                    && block.metaDataLength() <= LONGEST_METADATA && block.bodyLength() >= 0 && block.offset() <= end
                    && block.bodyLength() <= end - block.offset() - block.metaDataLength();
            if (!sound) {
                throw new IllegalArgumentException("record batch " + i + " at " + block.offset() + " of " + block.metaDataLength()
                        + " and " + block.bodyLength() + " bytes (expected within " + end + ")");
            }
            batches.add(new BatchBlock(block.offset(), block.metaDataLength(), block.bodyLength(), rows[i]));
        }
        return batches;
    }

    private static int[] rows(Footer footer, int bytes) {
        for (int i = 0; i < count(footer.customMetadataLength(), bytes); i++) {
            if (ArrowFormat.BATCH_ROWS.equals(footer.customMetadata(i).key())) {
                String rows = footer.customMetadata(i).value();
                int[] parsed = rows.isEmpty() ? new int[0] : Arrays.stream(rows.split(",")).mapToInt(Integer::parseInt).toArray();
                if (Arrays.stream(parsed).anyMatch(n -> n < 1)) {
                    throw new IllegalArgumentException(ArrowFormat.BATCH_ROWS + " is " + rows + " (expected numbers from 1)");
                }
                return parsed;
            }
        }
        throw new IllegalArgumentException("Missing " + ArrowFormat.BATCH_ROWS);
    }

    /** FlatBuffers do not check that a vector lies within their bytes before it is read. */
    private static int count(int length, int bytes) {
        if (length < 0 || length > bytes / Integer.BYTES) {
            throw new IllegalArgumentException(length + " elements in a footer of " + bytes + " bytes");
        }
        return length;
    }
}
