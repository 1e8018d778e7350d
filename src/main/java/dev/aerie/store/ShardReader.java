package dev.aerie.store;

import dev.aerie.files.Folder;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
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

/**
 * Reads a committed shard: from start to end with {@link #next}, or one conversation with {@link #read}.
 *
 * <p>Every page's checksum is verified. Not thread-safe; the conversations returned do not depend on it.
 */
public final class ShardReader implements AutoCloseable {

    private final StoreSettings settings;
    private final CommittedShard shard;
    private final String path;
    private final ShardSchema schema;
    private final MessageColumnIO columns;
    private final ParquetFileReader file;
    private final List<BlockMetaData> groups;
    private int group;
    private int conversation;
    private long rowsLeftInGroup;
    private RecordReader<Chunk> sequential;

    ShardReader(Folder files, StoreSettings settings, CommittedShard shard) {
        this.settings = settings;
        this.shard = shard;
        this.path = files.path(shard.path()).toString();
        this.schema = new ShardSchema(settings.codec());
        this.columns = new ColumnIOFactory().getColumnIO(schema.message());
        this.file = guarded(() -> {
            HadoopInputFile input = HadoopInputFile.fromPath(files.path(shard.path()), files.conf());
            if (input.getLength() != shard.bytes()) {
                throw damaged(input.getLength() + " bytes (expected " + shard.bytes() + ")", null);
            }
            return ParquetFileReader.open(
                    input, HadoopReadOptions.builder(files.conf()).usePageChecksumVerification(true).build());
        });
        this.groups = file.getRowGroups();
        try {
            checkFooter();
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    private void checkFooter() {
        if (!file.getFileMetaData().getSchema().getColumns().equals(schema.message().getColumns())) {
            throw damaged("columns " + file.getFileMetaData().getSchema().getColumns() + " (expected those of codec "
                    + settings.codec().name() + ")", null);
        }
        if (file.getRecordCount() != shard.rows()) {
            throw damaged(file.getRecordCount() + " rows (expected " + shard.rows() + ")", null);
        }
        ShardSchema.footer(settings, shard.shard()).forEach((key, expected) -> {
            String found = file.getFileMetaData().getKeyValueMetaData().get(key);
            if (!expected.equals(found)) {
                throw damaged(key + " is " + found + " (expected " + expected + ")", null);
            }
        });
    }

    /** Returns the marker of the shard. */
    public CommittedShard shard() {
        return shard;
    }

    /**
     * Returns the next conversation; empty after the last one.
     *
     * @throws InvalidStoreException naming the file if it is damaged or cannot be read
     */
    public Optional<StoredConversation> next() {
        if (conversation == shard.conversations().size()) {
            return Optional.empty();
        }
        ConversationEntry entry = shard.conversations().get(conversation++);
        return Optional.of(guarded(() -> {
            List<Chunk> chunks = new ArrayList<>();
            for (int i = 0; i < rows(entry); i++) {
                if (rowsLeftInGroup == 0) {
                    PageReadStore pages = file.readRowGroup(group++);
                    rowsLeftInGroup = pages.getRowCount();
                    sequential = columns.getRecordReader(pages, new ChunkMaterializer(schema));
                }
                chunks.add(sequential.read());
                rowsLeftInGroup--;
            }
            return conversation(entry, chunks);
        }));
    }

    /**
     * Reads one conversation; reads only its pages.
     *
     * @param entry an entry of this shard's marker
     * @throws InvalidStoreException naming the file if it is damaged or cannot be read
     */
    public StoredConversation read(ConversationEntry entry) {
        return guarded(() -> {
            List<Chunk> chunks = new ArrayList<>();
            long start = 0;
            for (int g = 0; g < groups.size(); g++) {
                long end = start + groups.get(g).getRowCount();
                int from = (int) (Math.max(entry.row(), start) - start);
                int to = (int) (Math.min(entry.row() + rows(entry), end) - start);
                if (from < to) {
                    PageReadStore pages = file.readFilteredRowGroup(g, rows(from, to, groups.get(g).getRowCount()));
                    RecordReader<Chunk> records = columns.getRecordReader(pages, new ChunkMaterializer(schema));
                    for (int i = from; i < to; i++) {
                        chunks.add(records.read());
                    }
                }
                start = end;
            }
            return conversation(entry, chunks);
        });
    }

    private static int rows(ConversationEntry entry) {
        return Chunk.count(entry.tokens());
    }

    /** Returns rows [from, to) of a row group. Parquet computes ranges only from pages, and here a page is a row. */
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

    private StoredConversation conversation(ConversationEntry entry, List<Chunk> chunks) {
        int expected = 0;
        for (Chunk chunk : chunks) {
            boolean continues = chunk.firstToken() == expected
                    && chunk.conversation().equals(entry.id())
                    && chunk.part() == entry.part()
                    && chunk.conversationTokens() == entry.tokens();
            if (!continues) {
                throw damaged("token " + chunk.firstToken() + " of conversation " + chunk.conversation() + " (expected token "
                        + expected + " of " + entry.id() + ")", null);
            }
            expected += chunk.tokens();
            requireBytes(entry, "aux", chunk.aux(), settings.codec().columnBytes(chunk.tokens() * settings.auxWidth()));
        }
        if (expected != entry.tokens()) {
            throw damaged(expected + " tokens of conversation " + entry.id() + " (expected " + entry.tokens() + ")", null);
        }
        StoredConversation out = new StoredConversation(settings, chunks);
        int taught = 0;
        int[] rows = out.teacherRows();
        for (Chunk chunk : chunks) {
            int from = taught;
            while (taught < rows.length && rows[taught] < chunk.firstToken() + chunk.tokens()) {
                taught++;
            }
            requireBytes(entry, "teacher", chunk.teacher(),
                    settings.codec().columnBytes((taught - from) * settings.hiddenSize()));
        }
        return out;
    }

    private void requireBytes(ConversationEntry entry, String field, byte[][] found, int[] expected) {
        for (int i = 0; i < expected.length; i++) {
            if (found[i].length != expected[i]) {
                throw damaged(found[i].length + " bytes of " + settings.codec().columns(field).get(i) + " in conversation "
                        + entry.id() + " (expected " + expected[i] + ")", null);
            }
        }
    }

    private interface Reading<T> {
        T run() throws IOException;
    }

    /** Converts the many unrelated exceptions by which Parquet reports damage, few of which name the file. */
    private <T> T guarded(Reading<T> reading) {
        try {
            return reading.run();
        } catch (InvalidStoreException e) {
            throw e;
        } catch (FileNotFoundException e) {
            throw damaged("no such file (expected the one its marker names)", e);
        } catch (IOException | RuntimeException e) {
            throw damaged(e.getMessage() == null ? e.toString() : e.getMessage().lines().findFirst().orElse(""), e);
        }
    }

    private InvalidStoreException damaged(String what, Throwable cause) {
        return new InvalidStoreException("Invalid shard " + path + ": " + what, cause);
    }

    @Override
    public void close() {
        try {
            file.close();
        } catch (IOException e) {
            throw damaged("closing failed: " + e.getMessage(), e);
        }
    }
}
