package dev.aerie.store;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.aerie.files.Folder;
import dev.aerie.torch.Scope;
import java.io.FileInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ThreadLocalRandom;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.VarBinaryVector;
import org.apache.arrow.vector.ipc.ArrowFileReader;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Arrow files: what another reader finds in them, and what ours makes of damaged ones. */
class ArrowShardTest {

    private static final int HIDDEN = 64;

    @TempDir
    Path folder;

    private final long seed = ThreadLocalRandom.current().nextLong();
    private final Configuration conf = new Configuration();
    private final Codec codec = Codec.of("int8");
    private List<Stores.Sample> samples;
    private HiddenStateStore store;
    private CommittedShard shard;
    private Path file;
    private byte[] sound;

    @BeforeEach
    void write() throws IOException {
        samples = Stores.samples(seed, HIDDEN, 300, 1, 700);
        store = HiddenStateStore.create(folder.toString(), conf,
                Stores.settings(Container.ARROW, codec, TeacherRows.STRICT, HIDDEN, 1));
        shard = Stores.commit(store, 0, samples);
        file = folder.resolve(shard.path());
        sound = Files.readAllBytes(file);
    }

    @Test
    void arrowJavaReadsTheSameValues() throws IOException {
        try (BufferAllocator allocator = new RootAllocator();
                ArrowFileReader reader = new ArrowFileReader(new FileInputStream(file.toFile()).getChannel(), allocator);
                ShardReader ours = store.reader(shard)) {
            Map<String, String> metadata = reader.getVectorSchemaRoot().getSchema().getCustomMetadata();
            assertEquals(ShardSchema.footer(store.settings(), 0), metadata);
            int row = 0;
            List<Chunk> chunks = chunks(ShardBytes.open(Folder.at(folder.toString(), conf), shard.path()));
            while (reader.loadNextBatch()) {
                for (int i = 0; i < reader.getVectorSchemaRoot().getRowCount(); i++, row++) {
                    ShardSchema schema = schema();
                    for (int column = 0; column < schema.columns().size(); column++) {
                        var vector = reader.getVectorSchemaRoot().getVector(schema.columns().get(column).name());
                        String where = schema.columns().get(column) + " of row " + row + ", seed " + seed;
                        assertFalse(vector.isNull(i), where);
                        switch (schema.columns().get(column).type()) {
                            case INTEGER -> assertEquals(chunks.get(row).integer(column), vector.getObject(i), where);
                            case TEXT -> assertEquals(text(chunks.get(row).binary(column)), vector.getObject(i).toString(), where);
                            case BINARY -> assertArrayEquals(bytes(chunks.get(row).binary(column)),
                                    ((VarBinaryVector) vector).get(i), where);
                        }
                    }
                }
            }
            assertEquals(shard.rows(), row);
        }
    }

    private ShardSchema schema() {
        StateLayout layout = store.settings().states();
        return new ShardSchema(layout, StateSelection.all(layout));
    }

    private List<Chunk> chunks(ShardBytes bytes) throws IOException {
        try (ArrowChunkReader reader = new ArrowChunkReader(bytes, schema())) {
            return reader.read(0, shard.rows());
        }
    }

    private static String text(ByteBuffer utf8) {
        return new String(bytes(utf8), StandardCharsets.UTF_8);
    }

    private static byte[] bytes(ByteBuffer buffer) {
        byte[] out = new byte[buffer.remaining()];
        buffer.duplicate().get(out);
        return out;
    }

    @Test
    void buffersBeginAtMultiplesOf64() throws IOException {
        try (ShardBytes bytes = MappedShard.open(file)) {
            ArrowFooter footer = ArrowFooter.read(bytes);
            for (ArrowFormat.BatchBlock batch : footer.batches()) {
                assertEquals(0, batch.offset() % 64);
                assertEquals(0, batch.metadataBytes() % 64);
                assertEquals(0, batch.bodyBytes() % 64);
            }
        }
        for (Chunk chunk : chunks(MappedShard.open(file))) {
            for (EncodedStates states : chunk.states()) {
                assertTrue(states.planes().stream().allMatch(ByteBuffer::isDirect), "planes lie in the mapped file");
            }
        }
    }

    /** A record batch has at most 16 MiB of states, and a chunk that has more is one. */
    @Test
    void recordBatchesAreBounded() throws IOException {
        for (int[] one : new int[][] {{1024, 4}, {1 << 17, 1}}) {
            int hidden = one[0];
            String uri = folder.resolve("wide" + hidden).toString();
            HiddenStateStore wide = HiddenStateStore.create(uri, conf,
                    Stores.settings(Container.ARROW, Codec.of("bf16"), TeacherRows.STRICT, hidden, 1));
            Stores.Sample sample = Stores.sample("c", hidden == 1024 ? 2000 : 130, hidden, seed);
            boolean[] unsupervised = new boolean[sample.ids().length];
            CommittedShard written = Stores.commit(wide, 0, List.of(new Stores.Sample("c", Part.TRAIN, sample.ids(), unsupervised,
                    sample.aux(), sample.last())));
            try (ShardBytes bytes = MappedShard.open(folder.resolve("wide" + hidden).resolve(written.path()))) {
                for (ArrowFormat.BatchBlock batch : ArrowFooter.read(bytes).batches()) {
                    assertTrue(batch.bodyBytes() < (16 << 20) + (64 << 10) || batch.rows() == 1, batch::toString);
                }
            }
            try (ShardReader reader = wide.reader(written); Scope scope = Scope.open()) {
                assertArrayEquals(sample.aux(), reader.read(written.conversations().get(0)).aux().toFloats());
            }
        }
    }

    @Test
    void mappedInWindowsAndReadByRangesAreTheSame() throws IOException {
        List<Chunk> expected = chunks(MappedShard.open(file));
        Folder files = Folder.at(folder.toString(), conf);
        for (ShardBytes bytes : List.of(RangedShard.open(files, shard.path()), MappedShard.open(file, 70_000),
                MappedShard.open(file, 90_000))) {
            List<Chunk> found = chunks(bytes);
            assertEquals(expected.size(), found.size());
            for (int i = 0; i < expected.size(); i++) {
                assertEquals(expected.get(i).states(), found.get(i).states(), "chunk " + i + ", seed " + seed);
                assertArrayEquals(expected.get(i).sequence().inputIds(), found.get(i).sequence().inputIds());
            }
        }
    }

    /** A conversation outlives its reader: its bytes are unmapped when nobody refers to them. */
    @Test
    void conversationsStayValidWhenTheReaderIsClosed() throws IOException {
        StoredConversation kept;
        byte[] before;
        try (ShardReader reader = store.reader(shard); Scope scope = Scope.open()) {
            kept = reader.read(shard.conversations().get(2));
            before = kept.aux().toBytes();
        }
        System.gc();
        Files.delete(file);
        try (Scope scope = Scope.open()) {
            assertArrayEquals(before, kept.aux().toBytes());
        }
    }

    @Test
    void truncatedFilesAreRefusedByName() throws IOException {
        Random random = new Random(seed);
        for (int i = 0; i < 200; i++) {
            int length = i < 20 ? i : i < 60 ? sound.length - i + 19 : random.nextInt(sound.length);
            replace(Arrays.copyOf(sound, length));
            assertTrue(problem(length).startsWith("Invalid shard "), problem(length));
        }
    }

    /** Any one byte of the footer and of the record batches' metadata: what is read is right, or refused by the file's name. */
    @Test
    void flippedBytesOfMetadataNeverDoMoreThanRefuse() throws IOException {
        Random random = new Random(seed);
        int footer = footerStart();
        int refused = 0;
        for (int at = footer; at < sound.length; at++) {
            refused += flip(at, at % 3 == 0 ? 0xFF : 1 << random.nextInt(8));
        }
        assertTrue(refused > (sound.length - footer) / 4, refused + " of " + (sound.length - footer));
        replace(sound);
        ArrowFormat.BatchBlock batch;
        try (ShardBytes bytes = MappedShard.open(file)) {
            batch = ArrowFooter.read(bytes).batches().get(0);
        }
        // The first of the body are the offsets of ids.
        for (long at = batch.offset(); at < batch.offset() + batch.metadataBytes() + 256; at++) {
            flip((int) at, at % 3 == 0 ? 0xFF : 1 << random.nextInt(8));
        }
    }

    /** Not in place: the file that was there may still be mapped. */
    private void replace(byte[] content) throws IOException {
        Path other = folder.resolve("other");
        Files.write(other, content);
        Files.move(other, file, StandardCopyOption.REPLACE_EXISTING);
    }

    private int footerStart() {
        int length = ByteBuffer.wrap(sound).order(ByteOrder.LITTLE_ENDIAN).getInt(sound.length - ArrowFormat.TAIL);
        return sound.length - ArrowFormat.TAIL - length;
    }

    /** Returns 1 if the damage was refused. */
    private int flip(int at, int bits) throws IOException {
        byte[] damaged = sound.clone();
        damaged[at] ^= (byte) bits;
        replace(damaged);
        String problem = problem(sound.length);
        assertTrue(problem.isEmpty() || problem.startsWith("Invalid shard "), "byte " + at + ", seed " + seed + ": " + problem);
        return problem.isEmpty() ? 0 : 1;
    }

    /** Several bytes anywhere, several times. */
    @Test
    void flippedBytesAnywhereNeverDoMoreThanRefuse() throws IOException {
        Random random = new Random(seed);
        for (int i = 0; i < 300; i++) {
            byte[] damaged = sound.clone();
            for (int n = 1 + random.nextInt(8); n > 0; n--) {
                int from = random.nextBoolean() ? 0 : footerStart();
                damaged[from + random.nextInt(sound.length - from)] = (byte) random.nextInt();
            }
            replace(damaged);
            String problem = problem(sound.length);
            assertTrue(problem.isEmpty() || problem.startsWith("Invalid shard "), "seed " + seed + ": " + problem);
        }
    }

    /** What reading everything fails with, with a marker of this length; empty if nothing does. */
    private String problem(long length) {
        CommittedShard marked = new CommittedShard(shard.formatVersion(), shard.shard(), shard.file(), shard.rows(), shard.tokens(),
                shard.teacherRows(), length, shard.sha256(), shard.conversations(), shard.refused());
        try (ShardReader reader = store.reader(marked); Scope scope = Scope.open()) {
            for (ConversationEntry entry : shard.conversations()) {
                StoredConversation read = reader.read(entry);
                read.aux();
                read.teacherStates();
            }
            while (reader.next().isPresent()) {
                continue;
            }
            return "";
        } catch (InvalidStoreException e) {
            return e.getMessage();
        }
    }

    @Test
    void aFileOfAnotherKindIsRefused() throws IOException {
        replace(new byte[sound.length]);
        assertTrue(problem(sound.length).contains("is no Arrow IPC file's (expected ARROW1)"), problem(sound.length));
        assertThrows(InvalidStoreException.class, () -> store.reader(shard));
    }
}
