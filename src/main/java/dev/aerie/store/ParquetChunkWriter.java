package dev.aerie.store;

import com.github.luben.zstd.Zstd;
import com.github.luben.zstd.ZstdCompressCtx;
import dev.aerie.files.NewFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
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
import org.apache.parquet.schema.MessageType;

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
    private final MessageType message;
    private final Map<String, String> footer;
    private final ParquetFileWriter file;
    private final List<List<Page>> pages = new ArrayList<>();
    /** Pages are compressed between the same two arrays, by one compressor: 1.3 MB to set up. */
    private final ZstdCompressCtx zstd = new ZstdCompressCtx().setLevel(ZSTD_LEVEL);
    private byte[] plain = new byte[0];
    private byte[] compressed = new byte[0];
    private long plainBytes;
    private int rows;

    ParquetChunkWriter(NewFile out, ShardSchema schema, Map<String, String> footer) throws IOException {
        this.schema = schema;
        this.message = ParquetSchema.of(schema);
        this.footer = footer;
        ParquetProperties properties = ParquetProperties.builder()
                .withPageWriteChecksumEnabled(true)
                .withStatisticsEnabled(false)
                .withStatisticsEnabled(schema.columns().get(ShardSchema.CONVERSATION).name(), true)
                .build();
        this.file = new ParquetFileWriter(
                new ParquetOutput(out), message, ParquetFileWriter.Mode.CREATE, ROW_GROUP_BYTES, 0, null, properties);
        file.start();
        for (int i = 0; i < schema.columns().size(); i++) {
            pages.add(new ArrayList<>());
        }
    }

    @Override
    public void write(Chunk chunk) throws IOException {
        for (int column = 0; column < schema.columns().size(); column++) {
            if (schema.columns().get(column).type() == ShardColumn.Type.INTEGER) {
                integer(column, chunk.integer(column));
            } else {
                binary(column, chunk.binary(column));
            }
        }
        rows++;
        if (plainBytes >= ROW_GROUP_BYTES) {
            endRowGroup();
        }
    }

    private void binary(int column, ByteBuffer value) {
        ColumnDescriptor descriptor = message.getColumns().get(column);
        Statistics<?> statistics;
        if (column == ShardSchema.CONVERSATION) {
            statistics = Statistics.createStats(descriptor.getPrimitiveType());
            statistics.updateStats(Binary.fromConstantByteBuffer(value));
        } else {
            statistics = Statistics.noopStats(descriptor.getPrimitiveType());
        }
        int length = value.remaining();
        ByteBuffer plain = plain(Integer.BYTES + length);
        plain.putInt(length).put(value.duplicate());
        page(column, plain.position(), statistics);
    }

    private void integer(int column, int value) {
        page(column, plain(Integer.BYTES).putInt(value).position(),
                Statistics.noopStats(message.getColumns().get(column).getPrimitiveType()));
    }

    private ByteBuffer plain(int bytes) {
        if (plain.length < bytes) {
            plain = new byte[bytes];
            compressed = new byte[Math.toIntExact(Zstd.compressBound(bytes))];
        }
        return ByteBuffer.wrap(plain).order(ByteOrder.LITTLE_ENDIAN);
    }

    /** Compresses what {@link #plain} holds. */
    private void page(int column, int length, Statistics<?> statistics) {
        int size = zstd.compressByteArray(compressed, 0, compressed.length, plain, 0, length);
        pages.get(column).add(new Page(Arrays.copyOf(compressed, size), length, statistics));
        plainBytes += length;
    }

    private void endRowGroup() throws IOException {
        file.startBlock(rows);
        for (int column = 0; column < schema.columns().size(); column++) {
            file.startColumn(message.getColumns().get(column), rows, CompressionCodecName.ZSTD);
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
        try (zstd; file) {
            if (rows > 0) {
                endRowGroup();
            }
            file.end(footer);
        }
    }

    @Override
    public void close() throws IOException {
        zstd.close();
        file.close();
    }
}
