package dev.aerie.store;

import com.google.flatbuffers.FlatBufferBuilder;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.zip.CRC32C;
import org.apache.arrow.flatbuf.Binary;
import org.apache.arrow.flatbuf.Block;
import org.apache.arrow.flatbuf.Buffer;
import org.apache.arrow.flatbuf.Endianness;
import org.apache.arrow.flatbuf.Field;
import org.apache.arrow.flatbuf.FieldNode;
import org.apache.arrow.flatbuf.Footer;
import org.apache.arrow.flatbuf.Int;
import org.apache.arrow.flatbuf.KeyValue;
import org.apache.arrow.flatbuf.Message;
import org.apache.arrow.flatbuf.MessageHeader;
import org.apache.arrow.flatbuf.MetadataVersion;
import org.apache.arrow.flatbuf.RecordBatch;
import org.apache.arrow.flatbuf.Schema;
import org.apache.arrow.flatbuf.Type;
import org.apache.arrow.flatbuf.Utf8;

/**
 * The parts of an Arrow IPC file that are not the columns' bytes: schema, the metadata of record batches, and footer.
 *
 * <p>Made by the format's own FlatBuffers classes: arrow-java's vectors would copy every byte into memory of their allocator.
 */
final class ArrowFormat {

    static final byte[] MAGIC = "ARROW1".getBytes(StandardCharsets.US_ASCII);
    /** What messages, bodies and buffers are aligned to in the file. */
    static final int ALIGNMENT = 64;
    /** A message's first four bytes, before the length of its metadata. */
    static final int CONTINUATION = -1;
    static final int PREFIX = 2 * Integer.BYTES;
    /** The length of the footer and the magic. */
    static final int TAIL = Integer.BYTES + MAGIC.length;
    /** Key of the footer's own metadata: the rows of each record batch, by which a reader finds a row. */
    static final String BATCH_ROWS = "aerie.batch_rows";
    /**
     * Key of a record batch's own metadata: the CRC-32C of each value, column after column, each row by row, as base64 of
     * little-endian 32-bit numbers. Arrow itself has no checksums.
     */
    static final String CHECKSUMS = "aerie.crc32c";

    /** A buffer in the body of a record batch. */
    record BodyBuffer(long offset, long length) {}

    /** A record batch in the file: its metadata with prefix and padding, then its body. */
    record BatchBlock(long offset, int metadataBytes, long bodyBytes, int rows) {}

    private ArrowFormat() {}

    /** Returns the buffers of a column in a record batch: validity, offsets where values vary in length, values. */
    static int buffers(ShardColumn column) {
        return column.type() == ShardColumn.Type.INTEGER ? 2 : 3;
    }

    static long padded(long bytes) {
        return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }

    /** Returns the message at the file's start, padded so that what follows is aligned. */
    static byte[] schemaMessage(ShardSchema schema, Map<String, String> metadata, int position) {
        FlatBufferBuilder b = new FlatBufferBuilder();
        int header = schema(b, schema, metadata);
        return message(b, MessageHeader.Schema, header, 0, 0, position);
    }

    /** Returns the CRC-32C of a value's bytes. */
    static int checksum(ByteBuffer value) {
        CRC32C crc = new CRC32C();
        crc.update(value.duplicate());
        return (int) crc.getValue();
    }

    /**
     * Returns the metadata of a record batch; its body follows at once.
     *
     * @param checksums of the values of each row, column after column
     */
    static byte[] batchMessage(List<ShardColumn> columns, int rows, List<BodyBuffer> buffers, long bodyBytes, int[] checksums) {
        FlatBufferBuilder b = new FlatBufferBuilder();
        ByteBuffer numbers = ByteBuffer.allocate(Integer.BYTES * checksums.length).order(ByteOrder.LITTLE_ENDIAN);
        numbers.asIntBuffer().put(checksums);
        int own = metadata(b, Map.of(CHECKSUMS, Base64.getEncoder().encodeToString(numbers.array())));
        // FlatBuffers are built from their end.
        RecordBatch.startBuffersVector(b, buffers.size());
        for (int i = buffers.size() - 1; i >= 0; i--) {
            Buffer.createBuffer(b, buffers.get(i).offset(), buffers.get(i).length());
        }
        int bufferVector = b.endVector();
        RecordBatch.startNodesVector(b, columns.size());
        for (int i = 0; i < columns.size(); i++) {
            FieldNode.createFieldNode(b, rows, 0);
        }
        int nodes = b.endVector();
        RecordBatch.startRecordBatch(b);
        RecordBatch.addLength(b, rows);
        RecordBatch.addNodes(b, nodes);
        RecordBatch.addBuffers(b, bufferVector);
        return message(b, MessageHeader.RecordBatch, RecordBatch.endRecordBatch(b), bodyBytes, own, 0);
    }

    /** Returns the checksums of a record batch of so many values; null if it has not as many. */
    static int[] checksums(Message batch, int values) {
        for (int i = 0; i < batch.customMetadataLength(); i++) {
            KeyValue entry = batch.customMetadata(i);
            if (CHECKSUMS.equals(entry.key()) && entry.value() != null) {
                byte[] bytes = Base64.getDecoder().decode(entry.value());
                if (bytes.length != (long) Integer.BYTES * values) {
                    return null;
                }
                int[] out = new int[values];
                ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asIntBuffer().get(out);
                return out;
            }
        }
        return null;
    }

    private static byte[] message(FlatBufferBuilder b, byte type, int header, long bodyBytes, int metadataOffset, int position) {
        b.finish(Message.createMessage(b, MetadataVersion.V5, type, header, bodyBytes, metadataOffset));
        ByteBuffer metadata = b.dataBuffer();
        int length = (int) (padded(position + PREFIX + metadata.remaining()) - position);
        return ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN)
                .putInt(CONTINUATION)
                .putInt(length - PREFIX)
                .put(metadata)
                .array();
    }

    /** Returns what stands after the last record batch: the end of the stream, the footer, its length and the magic. */
    static byte[] end(ShardSchema schema, Map<String, String> metadata, List<BatchBlock> batches) {
        FlatBufferBuilder b = new FlatBufferBuilder();
        int rows = metadata(b, Map.of(BATCH_ROWS,
                batches.stream().map(batch -> Integer.toString(batch.rows())).collect(Collectors.joining(","))));
        Footer.startRecordBatchesVector(b, batches.size());
        for (int i = batches.size() - 1; i >= 0; i--) {
            BatchBlock batch = batches.get(i);
            Block.createBlock(b, batch.offset(), batch.metadataBytes(), batch.bodyBytes());
        }
        int blocks = b.endVector();
        Footer.startDictionariesVector(b, 0);
        int dictionaries = b.endVector();
        int columns = schema(b, schema, metadata);
        b.finish(Footer.createFooter(b, MetadataVersion.V5, columns, dictionaries, blocks, rows));
        ByteBuffer footer = b.dataBuffer();
        int length = footer.remaining();
        return ByteBuffer.allocate(PREFIX + length + TAIL).order(ByteOrder.LITTLE_ENDIAN)
                .putInt(CONTINUATION)
                .putInt(0)
                .put(footer)
                .putInt(length)
                .put(MAGIC)
                .array();
    }

    private static int schema(FlatBufferBuilder b, ShardSchema schema, Map<String, String> metadata) {
        int[] fields = schema.columns().stream().mapToInt(column -> field(b, column)).toArray();
        int vector = Schema.createFieldsVector(b, fields);
        return Schema.createSchema(b, Endianness.Little, vector, metadata(b, metadata), 0);
    }

    private static int field(FlatBufferBuilder b, ShardColumn column) {
        int name = b.createString(column.name());
        int children = Field.createChildrenVector(b, new int[0]);
        return Field.createField(b, name, false, type(column.type()), typeTable(b, column.type()), 0, children, 0);
    }

    private static int typeTable(FlatBufferBuilder b, ShardColumn.Type type) {
        switch (type) {
            case TEXT -> Utf8.startUtf8(b);
            case INTEGER -> {
                return Int.createInt(b, Integer.SIZE, true);
            }
            case BINARY -> Binary.startBinary(b);
        }
        return b.endTable();
    }

    /** Returns Arrow's number of a type. */
    static byte type(ShardColumn.Type type) {
        return switch (type) {
            case TEXT -> Type.Utf8;
            case INTEGER -> Type.Int;
            case BINARY -> Type.Binary;
        };
    }

    private static int metadata(FlatBufferBuilder b, Map<String, String> entries) {
        int[] pairs = entries.entrySet().stream()
                .mapToInt(e -> KeyValue.createKeyValue(b, b.createString(e.getKey()), b.createString(e.getValue())))
                .toArray();
        return Schema.createCustomMetadataVector(b, pairs);
    }
}
