package dev.aerie.store;

import com.github.luben.zstd.Zstd;
import dev.aerie.files.NewFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.parquet.bytes.BytesInput;
import org.apache.parquet.column.ColumnDescriptor;
import org.apache.parquet.column.Encoding;
import org.apache.parquet.column.ParquetProperties;
import org.apache.parquet.column.statistics.Statistics;
import org.apache.parquet.hadoop.ParquetFileWriter;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.apache.parquet.io.api.Binary;
import org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName;

/**
 * Writes the Parquet file of a shard page by page: a page is one row of a column, so that a conversation can be read without its
 * neighbours, and the same chunks give the same bytes.
 *
 * <p>parquet-java's record writer does not: it stores a column's encodings in the order of a hash set of enums, which differs
 * between JVMs. Pages of version 2 have one encoding. This writer also needs no second copy of each block and no check of sizes
 * every 100 rows, which are 800 MB here.
 */
final class ParquetChunkWriter implements ChunkWriter {

    private static final long ROW_GROUP_BYTES = 64L << 20;
    private static final int ZSTD_LEVEL = 1;

    private record Page(byte[] compressed, int plainBytes, Statistics<?> statistics) {}

    private final ShardSchema schema;
    private final Map<String, String> footer;
    private final ParquetFileWriter file;
    private final List<List<Page>> pages = new ArrayList<>();
    private long plainBytes;
    private int rows;

    ParquetChunkWriter(NewFile out, ShardSchema schema, Map<String, String> footer) throws IOException {
        this.schema = schema;
        this.footer = footer;
        ParquetProperties properties = ParquetProperties.builder()
                .withPageWriteChecksumEnabled(true)
                .withStatisticsEnabled(false)
                .withStatisticsEnabled(schema.name(ShardSchema.CONVERSATION), true)
                .build();
        this.file = new ParquetFileWriter(
                new ParquetOutput(out), schema.message(), ParquetFileWriter.Mode.CREATE, ROW_GROUP_BYTES, 0, null, properties);
        file.start();
        for (int i = 0; i < schema.columns(); i++) {
            pages.add(new ArrayList<>());
        }
    }

    @Override
    public void write(Chunk chunk) throws IOException {
        binary(ShardSchema.CONVERSATION, utf8(chunk.conversation()));
        binary(ShardSchema.PART, utf8(chunk.part().text()));
        integer(ShardSchema.CONVERSATION_TOKENS, chunk.conversationTokens());
        integer(ShardSchema.FIRST_TOKEN, chunk.firstToken());
        integer(ShardSchema.TOKENS, chunk.tokens());
        binary(ShardSchema.INPUT_IDS, littleEndian(chunk.sequence().inputIds()));
        binary(ShardSchema.LOSS_MASK, bytes(chunk.sequence().lossMask()));
        int column = ShardSchema.STATES;
        for (EncodedStates states : chunk.states()) {
            for (ByteBuffer plane : states.planes()) {
                binary(column++, plane.duplicate());
            }
        }
        rows++;
        if (plainBytes >= ROW_GROUP_BYTES) {
            endRowGroup();
        }
    }

    private void binary(int column, ByteBuffer value) {
        byte[] plain = ByteBuffer.allocate(Integer.BYTES + value.remaining())
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(value.remaining())
                .put(value.duplicate())
                .array();
        ColumnDescriptor descriptor = schema.message().getColumns().get(column);
        Statistics<?> statistics;
        if (column == ShardSchema.CONVERSATION) {
            statistics = Statistics.createStats(descriptor.getPrimitiveType());
            statistics.updateStats(Binary.fromConstantByteBuffer(value));
        } else {
            statistics = Statistics.noopStats(descriptor.getPrimitiveType());
        }
        page(column, plain, statistics);
    }

    private void integer(int column, int value) {
        page(column, ByteBuffer.allocate(Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN).putInt(value).array(),
                Statistics.noopStats(schema.message().getColumns().get(column).getPrimitiveType()));
    }

    private void page(int column, byte[] plain, Statistics<?> statistics) {
        pages.get(column).add(new Page(Zstd.compress(plain, ZSTD_LEVEL), plain.length, statistics));
        plainBytes += plain.length;
    }

    private void endRowGroup() throws IOException {
        file.startBlock(rows);
        for (int column = 0; column < schema.columns(); column++) {
            file.startColumn(schema.message().getColumns().get(column), rows, CompressionCodecName.ZSTD);
            for (Page page : pages.get(column)) {
                file.writeDataPageV2(1, 0, 1, BytesInput.empty(), BytesInput.empty(), Encoding.PLAIN,
                        BytesInput.from(page.compressed), page.plainBytes, page.statistics);
            }
            file.endColumn();
            pages.get(column).clear();
        }
        file.endBlock();
        plainBytes = 0;
        rows = 0;
    }

    @Override
    public void finish() throws IOException {
        try (file) {
            if (rows > 0) {
                endRowGroup();
            }
            file.end(footer);
        }
    }

    @Override
    public void close() throws IOException {
        file.close();
    }

    private static ByteBuffer utf8(String text) {
        return ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
    }

    private static ByteBuffer littleEndian(int[] ids) {
        ByteBuffer b = ByteBuffer.allocate(Integer.BYTES * ids.length).order(ByteOrder.LITTLE_ENDIAN);
        b.asIntBuffer().put(ids);
        return b;
    }

    private static ByteBuffer bytes(boolean[] flags) {
        byte[] out = new byte[flags.length];
        for (int i = 0; i < out.length; i++) {
            out[i] = (byte) (flags[i] ? 1 : 0);
        }
        return ByteBuffer.wrap(out);
    }
}
