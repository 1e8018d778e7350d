package dev.aerie.store;

import dev.aerie.files.Folder;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.apache.parquet.HadoopReadOptions;
import org.apache.parquet.column.page.PageReadStore;
import org.apache.parquet.hadoop.ParquetFileReader;
import org.apache.parquet.hadoop.metadata.BlockMetaData;
import org.apache.parquet.hadoop.util.HadoopInputFile;
import org.apache.parquet.internal.column.columnindex.OffsetIndex;
import org.apache.parquet.internal.filter2.columnindex.RowRanges;
import org.apache.parquet.io.ColumnIOFactory;
import org.apache.parquet.io.MessageColumnIO;
import org.apache.parquet.io.RecordReader;
import org.apache.parquet.schema.MessageType;

/** Reads what {@link ParquetChunkWriter} wrote: a row's pages by the offset index, every page's checksum verified. */
final class ParquetChunkReader implements ChunkReader {

    private final ShardSchema schema;
    private final MessageColumnIO columns;
    private final ParquetFileReader file;
    private final List<BlockMetaData> groups;
    private int group;
    private long rowsLeftInGroup;
    private RecordReader<Chunk> sequential;

    ParquetChunkReader(Folder files, CommittedShard shard, ShardSchema schema) throws IOException {
        this.schema = schema;
        MessageType message = ParquetSchema.of(schema);
        this.columns = new ColumnIOFactory().getColumnIO(message);
        // Vectored reads fetch ranges in parallel from S3, and from a disk wait for another thread.
        boolean vectored = files.onThisDisk(shard.path()).isEmpty();
        this.file = ParquetFileReader.open(HadoopInputFile.fromPath(files.path(shard.path()), files.conf()),
                HadoopReadOptions.builder(files.conf())
                        .usePageChecksumVerification(true)
                        .withUseHadoopVectoredIo(vectored)
                        .withCodecFactory(new ZstdPages())
                        .build());
        try {
            this.groups = file.getRowGroups();
            schema.requireIn(ParquetSchema.columns(file.getFileMetaData().getSchema()));
            file.setRequestedSchema(message);
        } catch (RuntimeException e) {
            file.close();
            throw e;
        }
    }

    @Override
    public long rows() {
        return file.getRecordCount();
    }

    @Override
    public Map<String, String> footer() {
        return file.getFileMetaData().getKeyValueMetaData();
    }

    @Override
    public Chunk next() throws IOException {
        if (rowsLeftInGroup == 0) {
            PageReadStore pages = file.readRowGroup(group++);
            rowsLeftInGroup = pages.getRowCount();
            sequential = records(pages);
        }
        rowsLeftInGroup--;
        return sequential.read();
    }

    @Override
    public List<Chunk> read(int fromRow, int toRow) throws IOException {
        List<Chunk> chunks = new ArrayList<>();
        long start = 0;
        for (int g = 0; g < groups.size(); g++) {
            long end = start + groups.get(g).getRowCount();
            int from = (int) (Math.max(fromRow, start) - start);
            int to = (int) (Math.min(toRow, end) - start);
            if (from < to) {
                RecordReader<Chunk> records = records(file.readFilteredRowGroup(g, rows(from, to, groups.get(g).getRowCount())));
                for (int i = from; i < to; i++) {
                    chunks.add(records.read());
                }
            }
            start = end;
        }
        return chunks;
    }

    private RecordReader<Chunk> records(PageReadStore pages) {
        return columns.getRecordReader(pages, new ParquetChunkMaterializer(schema));
    }

    /** Rows [from, to) of a row group. Parquet builds ranges from pages only, and a page of ours is a row. */
    private static RowRanges rows(int from, int to, long rowsInGroup) {
        return RowRanges.create(rowsInGroup, IntStream.range(from, to).iterator(), new OffsetIndex() {
            @Override
            public int getPageCount() {
                return (int) rowsInGroup;
            }

            @Override
            public long getFirstRowIndex(int page) {
                return page;
            }

            @Override
            public long getOffset(int page) {
                throw new UnsupportedOperationException();
            }

            @Override
            public int getCompressedPageSize(int page) {
                throw new UnsupportedOperationException();
            }
        });
    }

    @Override
    public void close() throws IOException {
        file.close();
    }
}
