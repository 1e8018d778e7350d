package dev.aerie.store;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.aerie.store.Stores.Sample;
import dev.aerie.text.TokenSequence;
import dev.aerie.torch.Device;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** For each container. */
@ParameterizedClass
@EnumSource
class HiddenStateStoreTest {

    private static final int HIDDEN = 8;
    private final Configuration conf = new Configuration();
    private final long seed = new Random().nextLong();
    private final Container container;

    @TempDir
    Path folder;

    HiddenStateStoreTest(Container container) {
        this.container = container;
    }

    private HiddenStateStore create(Codec codec, TeacherRows rows, int shards) throws IOException {
        return HiddenStateStore.create(folder.toString(), conf, Stores.settings(container, codec, rows, HIDDEN, shards));
    }

    private HiddenStateStore open() throws IOException {
        return HiddenStateStore.open(folder.toString(), conf);
    }

    @Test
    void returnsWhatWasWrittenInOrderAndOneByOne() throws IOException {
        for (Codec codec : List.of(Codec.of("f32"), Codec.of("bf16"))) {
            for (TeacherRows rows : TeacherRows.values()) {
                String uri = folder.resolve(codec.name() + rows.text()).toString();
                HiddenStateStore store = HiddenStateStore.create(uri, conf, Stores.settings(container, codec, rows, HIDDEN, 1));
                List<Sample> samples = Stores.samples(seed, HIDDEN, 1, 2, 255, 256, 257, 1000);
                Stores.commit(store, 0, samples);
                CommittedShard shard = store.complete().shards().get(0);
                assertEquals(1 + 1 + 1 + 1 + 2 + 4, shard.rows());
                assertEquals(1771, shard.tokens());
                HiddenStateStore read = HiddenStateStore.open(uri, conf);
                try (ShardReader reader = read.reader(read.shards().get(0))) {
                    for (Sample sample : samples) {
                        assertSame(sample, reader.next().orElseThrow(), rows);
                    }
                    assertTrue(reader.next().isEmpty());
                    for (int i = samples.size() - 1; i >= 0; i--) {
                        assertSame(samples.get(i), reader.read(shard.conversations().get(i)), rows);
                    }
                }
                assertEquals(List.of(), StoreVerification.of(read).problems());
            }
        }
    }

    private void assertSame(Sample expected, StoredConversation found, TeacherRows rows) {
        try (Scope scope = Scope.open()) {
            String message = expected.id() + ", seed " + seed;
            assertEquals(expected.id(), found.id());
            assertEquals(expected.part(), found.part());
            assertArrayEquals(expected.ids(), found.sequence().inputIds(), message);
            assertArrayEquals(expected.supervised(), found.sequence().lossMask(), message);
            assertArrayEquals(expected.aux(), found.aux().toFloats(), message);
            int[] teacher = rows.of(expected.supervised());
            assertArrayEquals(teacher, found.teacherRows(), message);
            float[] states = new float[teacher.length * HIDDEN];
            for (int i = 0; i < teacher.length; i++) {
                System.arraycopy(expected.last(), teacher[i] * HIDDEN, states, i * HIDDEN, HIDDEN);
            }
            assertArrayEquals(states, found.teacherStates().toFloats(), message);
        }
    }

    @Test
    void readsTheLayersThatWereSelectedInAnyOrder() throws IOException {
        HiddenStateStore store = create(Codec.of("bf16"), TeacherRows.STRICT, 1);
        Sample sample = Stores.sample("c", 300, HIDDEN, seed);
        CommittedShard shard = Stores.commit(store, 0, List.of(sample));
        try (Scope scope = Scope.open()) {
            Tensor aux = Tensor.of(sample.aux(), 300, 3 * HIDDEN);
            for (List<Integer> layers : List.of(List.of(4), List.of(4, 1), List.of(1, 3, 4))) {
                for (boolean teacher : new boolean[] {true, false}) {
                    try (ShardReader reader = store.reader(shard, new StateSelection(layers, teacher))) {
                        StoredConversation found = reader.read(shard.conversations().get(0));
                        List<Tensor> expected = layers.stream()
                                .map(layer -> aux.narrow(1, (long) List.of(1, 3, 4).indexOf(layer) * HIDDEN, HIDDEN)).toList();
                        assertArrayEquals(Tensor.cat(1, expected).toFloats(), found.aux().toFloats(), "seed " + seed);
                        if (teacher) {
                            assertEquals(found.teacherRows().length, found.teacherStates().size(0));
                        } else {
                            assertThrows(IllegalStateException.class, found::teacherStates);
                        }
                    }
                }
            }
        }
        try (ShardReader reader = store.reader(shard, StateSelection.NONE)) {
            assertArrayEquals(sample.ids(), reader.next().orElseThrow().sequence().inputIds());
        }
        String message = assertThrows(InvalidStoreException.class,
                () -> store.reader(shard, new StateSelection(List.of(1, 2), false))).getMessage();
        assertTrue(message.contains("expected among them binary aux_02_hi, for codec bf16"), message);
    }

    @Test
    void lossyCodecsReturnWhatTheyDecodeByThemselves() throws IOException {
        for (Codec codec : List.of(Codec.of("fp8"), Codec.of("int8"))) {
            String uri = folder.resolve(codec.name()).toString();
            HiddenStateStore store = HiddenStateStore.create(uri, conf, Stores.settings(container, codec, TeacherRows.STRICT, HIDDEN, 1));
            List<Sample> samples = Stores.samples(seed, HIDDEN, 1, 257);
            CommittedShard shard = Stores.commit(store, 0, samples);
            try (ShardReader reader = store.reader(shard); Scope scope = Scope.open()) {
                for (Sample sample : samples) {
                    int tokens = sample.ids().length;
                    Tensor aux = Tensor.of(sample.aux(), tokens, 3 * HIDDEN);
                    Tensor expected = Tensor.zeros(codec.dtype(), Device.CPU, tokens, 3 * HIDDEN);
                    for (int l = 0; l < 3; l++) {
                        codec.decode(codec.encode(aux.narrow(1, (long) l * HIDDEN, HIDDEN)), tokens, HIDDEN,
                                expected.memory().position(2 * l * HIDDEN), 6 * HIDDEN);
                    }
                    assertArrayEquals(expected.toBytes(), reader.next().orElseThrow().aux().toBytes(), codec + ", seed " + seed);
                }
            }
            assertEquals(List.of(), StoreVerification.of(store.complete()).problems());
        }
    }

    @Test
    void readsConversationsThatCrossRowGroupsOrBatches() throws IOException {
        int hidden = 2048;
        StoreSettings settings = Stores.settings(container, Codec.of("bf16"), TeacherRows.STRICT, hidden, 1);
        HiddenStateStore store = HiddenStateStore.create(folder.toString(), conf, settings);
        Random random = new Random(seed);
        int[] lengths = {2500, 3000, 300};
        try (ShardWriter writer = store.writer(0)) {
            for (int tokens : lengths) {
                try (Scope scope = Scope.open()) {
                    Tensor aux = Tensor.randomNormal(tokens, 1, tokens, 3 * hidden);
                    writer.write("c" + tokens, Part.TRAIN, new TokenSequence(random.ints(tokens).toArray(), new boolean[tokens]),
                            aux,
                            Tensor.randomNormal(tokens, 1, tokens, hidden));
                }
            }
            writer.commit();
        }
        HiddenStateStore read = store.complete();
        try (ShardReader sequential = read.reader(read.shards().get(0)); ShardReader single = read.reader(read.shards().get(0))) {
            for (int i = 0; i < lengths.length; i++) {
                try (Scope scope = Scope.open()) {
                    Tensor expected = Tensor.randomNormal(lengths[i], 1, lengths[i], 3 * hidden).to(Codec.of("bf16").dtype());
                    assertArrayEquals(expected.toBytes(), sequential.next().orElseThrow().aux().toBytes());
                    ConversationEntry entry = read.shards().get(0).conversations().get(i);
                    assertArrayEquals(expected.toBytes(), single.read(entry).aux().toBytes());
                }
            }
        }
    }

    @Test
    void twoAttemptsWriteTheSameBytes() throws IOException {
        List<Sample> samples = Stores.samples(seed, HIDDEN, 700, 20, 300);
        List<byte[]> files = new ArrayList<>();
        for (String name : List.of("a", "b")) {
            HiddenStateStore store = HiddenStateStore.create(
                    folder.resolve(name).toString(), conf, Stores.settings(container, Codec.of("bf16"), TeacherRows.STRICT, HIDDEN, 1));
            files.add(Files.readAllBytes(shardFile(folder.resolve(name), Stores.commit(store, 0, samples))));
        }
        assertArrayEquals(files.get(0), files.get(1), "seed " + seed);
    }

    @Test
    void firstOfManyAttemptsWins() throws Exception {
        HiddenStateStore store = create(Codec.of("bf16"), TeacherRows.STRICT, 1);
        List<Sample> samples = Stores.samples(seed, HIDDEN, 40, 300);
        int attempts = 8;
        CountDownLatch ready = new CountDownLatch(attempts);
        ExecutorService threads = Executors.newFixedThreadPool(attempts);
        try {
            List<Future<ShardWriter.Commit>> commits = new ArrayList<>();
            for (int i = 0; i < attempts; i++) {
                commits.add(threads.submit(() -> {
                    try (ShardWriter writer = store.writer(0)) {
                        for (Sample s : samples) {
                            Stores.write(writer, s);
                        }
                        ready.countDown();
                        assertTrue(ready.await(30, TimeUnit.SECONDS));
                        return writer.commit();
                    }
                }));
            }
            int won = 0;
            for (Future<ShardWriter.Commit> commit : commits) {
                won += commit.get(30, TimeUnit.SECONDS).won() ? 1 : 0;
                assertEquals(commits.get(0).get().shard(), commit.get().shard());
            }
            assertEquals(1, won);
        } finally {
            threads.shutdownNow();
        }
        assertEquals(List.of(), store.orphans());
        try (Stream<Path> files = Files.list(folder.resolve("shards"))) {
            assertEquals(1, files.count());
        }
        try (Stream<Path> markers = Files.list(folder.resolve("_committed"))) {
            assertEquals(List.of("shard-00000.json"), markers.map(p -> p.getFileName().toString()).toList());
        }
        assertEquals(2, store.complete().conversations(Part.TRAIN).count());
    }

    @Test
    void goesOnWhereItStoppedAndIsWholeOnlyAtTheEnd() throws IOException {
        HiddenStateStore store = create(Codec.of("bf16"), TeacherRows.STRICT, 3);
        Stores.commit(store, 1, Stores.samples(seed, HIDDEN, 40));
        ShardWriter lost = store.writer(0);
        Stores.write(lost, Stores.sample("lost", 30, HIDDEN, seed));

        HiddenStateStore resumed = create(Codec.of("bf16"), TeacherRows.STRICT, 3);
        assertEquals(List.of(0, 2), resumed.missingShards());
        String message = assertThrows(InvalidStoreException.class, this::open).getMessage();
        assertTrue(message.endsWith("1 of 3 shards are committed (expected all; run prepare again to finish it)"), message);
        assertThrows(InvalidStoreException.class, resumed::complete);
        assertThrows(InvalidStoreException.class, resumed::removeOrphans);

        Stores.commit(resumed, 0, List.of(Stores.sample("x", 30, HIDDEN, seed)));
        Stores.commit(resumed, 2, List.of());
        assertEquals(1, resumed.orphans().size());
        HiddenStateStore whole = resumed.complete();
        assertTrue(Files.exists(folder.resolve("_manifest.json")));
        whole.complete();
        assertEquals(whole.shards(), open().shards());
        assertEquals(List.of("x", "c0"), open().conversations(Part.TRAIN).map(ConversationEntry::id).toList());
        assertEquals(1, whole.removeOrphans());
        assertEquals(List.of(), whole.orphans());
        lost.close();
        assertEquals(List.of(), StoreVerification.of(open()).problems());
    }

    @Test
    void anAbandonedAttemptLeavesNothing() throws IOException {
        HiddenStateStore store = create(Codec.of("bf16"), TeacherRows.STRICT, 1);
        try (ShardWriter writer = store.writer(0)) {
            Stores.write(writer, Stores.sample("x", 30, HIDDEN, seed));
        }
        assertEquals(List.of(), store.orphans());
        assertEquals(List.of(0), open2().missingShards());
    }

    private HiddenStateStore open2() throws IOException {
        return HiddenStateStore.openPartial(folder.toString(), conf);
    }

    @Test
    void settingsThatDifferAreRefusedByName() throws IOException {
        create(Codec.of("bf16"), TeacherRows.STRICT, 3);
        String where = "Invalid store " + open2().uri() + ": ";
        StoreSettings s = open2().settings();
        Fingerprints f = s.fingerprints();
        Fingerprints other = new Fingerprints("9".repeat(64), f.tokenizer(), f.template(), f.inputs(), f.settings());
        assertRefused(where + "fingerprints.target is " + "a".repeat(64) + " (expected " + "9".repeat(64) + ")",
                StoreSettings.of(other,
                        new StateLayout(HIDDEN, s.states().captureLayers(), s.states().teacherRows(), s.states().codec(),
                        container), s.planned()));
        assertRefused(where + "states.capture_layers is [1,3,4] (expected [1,2,5])",
                StoreSettings.of(f, new StateLayout(HIDDEN, List.of(1, 2, 5), s.states().teacherRows(), s.states().codec(),
                        container), s.planned()));
        assertRefused(where + "states.teacher_rows is strict (expected all)",
                StoreSettings.of(f, new StateLayout(HIDDEN, s.states().captureLayers(), TeacherRows.ALL, s.states().codec(),
                        container), s.planned()));
        assertRefused(where + "states.codec is bf16 (expected f32)",
                StoreSettings.of(f, new StateLayout(HIDDEN, s.states().captureLayers(), s.states().teacherRows(), Codec.of("f32"),
                        container), s.planned()));
        assertRefused(where + "planned.shards is 3 (expected 4)",
                StoreSettings.of(f,
                new StateLayout(HIDDEN, s.states().captureLayers(), s.states().teacherRows(), s.states().codec(),
                container), new PlannedCounts(4, 100, 1, 10_000)));
        s.require("fingerprints.target", "a".repeat(64), "here");
        s.require("states.capture_layers", List.of(1, 3, 4), "here");
        assertEquals("Invalid store here: states.hidden_size is 8 (expected 16)",
                assertThrows(InvalidStoreException.class, () -> s.require("states.hidden_size", 16, "here")).getMessage());
        assertEquals("Invalid store here: states.teacher_rows is strict (expected all)",
                assertThrows(InvalidStoreException.class, () -> s.requireTeacherRows(TeacherRows.ALL, "here")).getMessage());
    }

    private void assertRefused(String message, StoreSettings settings) {
        assertEquals(message, assertThrows(InvalidStoreException.class,
                () -> HiddenStateStore.create(folder.toString(), conf, settings)).getMessage());
    }

    @Test
    void notANumberIsRefusedBeforeAnythingOfItIsWritten() throws IOException {
        HiddenStateStore store = create(Codec.of("bf16"), TeacherRows.STRICT, 1);
        try (ShardWriter writer = store.writer(0)) {
            Sample good = Stores.sample("good", 300, HIDDEN, seed);
            Sample bad = Stores.sample("bad", 300, HIDDEN, seed + 1);
            bad.aux()[299 * 3 * HIDDEN + HIDDEN + 2] = Float.NaN;
            assertEquals("NaN or infinity in the output of layer 3 at token 299",
                    assertThrows(NonFiniteStateException.class, () -> Stores.write(writer, bad)).getMessage());
            writer.refuse("bad", Part.TRAIN, 7, "NaN");
            Sample unused = Stores.sample("unused", 300, HIDDEN, seed + 2);
            unused.supervised()[7] = false;
            unused.last()[7 * HIDDEN] = Float.POSITIVE_INFINITY;
            Stores.write(writer, unused);
            unused.supervised()[7] = true;
            unused.supervised()[8] = true;
            assertEquals("NaN or infinity in the final norm at token 7",
                    assertThrows(NonFiniteStateException.class, () -> Stores.write(writer, unused)).getMessage());
            Stores.write(writer, good);
            writer.commit();
        }
        CommittedShard shard = store.complete().shards().get(0);
        assertEquals(List.of("unused", "good"), shard.conversations().stream().map(ConversationEntry::id).toList());
        assertEquals(List.of(new RefusedConversation("bad", Part.TRAIN, 0, 7, "NaN")), shard.refused());
        assertEquals(List.of("bad 7", "unused 300", "good 300"),
                shard.planned(Part.TRAIN).stream().map(c -> c.id() + " " + c.tokens()).toList());
        assertEquals(Optional.empty(), shard.planned(Part.TRAIN).get(0).entry());
        assertTrue(StoreSummary.of(open()).contains("refused    1 conversations"));
    }

    @Test
    void damageIsNamed() throws IOException {
        HiddenStateStore store = create(Codec.of("bf16"), TeacherRows.STRICT, 1);
        Path file = shardFile(folder, Stores.commit(store, 0, Stores.samples(seed, HIDDEN, 600, 20)));
        store.complete();
        byte[] sound = Files.readAllBytes(file);
        String name = "Invalid shard " + file.toUri().toString().replace("///", "/") + ": ";

        Files.write(file, java.util.Arrays.copyOf(sound, sound.length - 100));
        assertEquals(name + (sound.length - 100) + " bytes (expected " + sound.length + ")", problem());

        byte[] flipped = sound.clone();
        flipped[sound.length / 3] ^= 4;
        Files.write(file, flipped);
        assertTrue(problem().startsWith(name), problem());
        assertEquals(2, StoreVerification.of(open()).problems().size());

        byte[] footer = sound.clone();
        footer[sound.length - 12] ^= 64;
        Files.write(file, footer);
        String verified = String.join("\n", StoreVerification.of(open()).problems());
        assertTrue(verified.contains("SHA-256 is "), verified);

        Files.delete(file);
        assertEquals(name + "no such file (expected the one its marker names)", problem());
        assertFalse(StoreVerification.of(open()).problems().isEmpty());
    }

    /** What reading the only shard fails with. */
    private String problem() {
        return assertThrows(InvalidStoreException.class, () -> {
            HiddenStateStore store = open();
            try (ShardReader reader = store.reader(store.shards().get(0))) {
                while (reader.next().isPresent()) {
                    continue;
                }
            }
        }).getMessage();
    }

    @Test
    void anyFlippedByteIsFoundByVerification() throws IOException {
        HiddenStateStore store = create(Codec.of("bf16"), TeacherRows.ALL, 1);
        Path file = shardFile(folder, Stores.commit(store, 0, Stores.samples(seed, HIDDEN, 30)));
        byte[] sound = Files.readAllBytes(file);
        Random random = new Random(seed);
        for (int i = 0; i < 60; i++) {
            byte[] flipped = sound.clone();
            int at = random.nextInt(sound.length);
            flipped[at] ^= (byte) (1 << random.nextInt(8));
            Files.write(file, flipped);
            assertFalse(StoreVerification.of(open2()).problems().isEmpty(), "byte " + at + ", seed " + seed);
        }
    }

    @Test
    void markersAndManifestsAreNotTrusted() throws IOException {
        HiddenStateStore store = create(Codec.of("bf16"), TeacherRows.STRICT, 1);
        CommittedShard shard = Stores.commit(store, 0, Stores.samples(seed, HIDDEN, 30));
        Path marker = folder.resolve("_committed/shard-00000.json");
        String json = Files.readString(marker);
        for (String[] change : new String[][] {
            {shard.file(), "../../shard-00000-a.parquet", "Invalid file: ../../shard-00000-a.parquet"},
            {"\"shard\":0", "\"shard\":1", "shard is 1 (expected 0)"},
            {"\"format_version\":2", "\"format_version\":1", "format_version is 1 (expected 2"},
            {"\"tokens\":30,\"teacher_rows\"", "\"tokens\":31,\"teacher_rows\"", "Invalid tokens: 31 (expected 30"},
            {"\"row\":0", "\"row\":1", "30 tokens from row 1 (expected at least one, from row 0)"},
            {"\"rows\":1", "\"rows\":3", "Invalid rows: 3 (expected 1, those of the conversations)"},
            {"\"refused\":[]", "\"refused\":null", "Missing refused"},
            {"}", "", "expected JSON as described in docs/store.md"},
        }) {
            Files.writeString(marker, json.replace(change[0], change[1]));
            String message = assertThrows(InvalidStoreException.class, this::open2).getMessage();
            assertTrue(message.contains(change[2]) && message.contains("shard-00000.json"), message);
        }
        Files.writeString(marker, json);
        store.complete();
        Files.writeString(marker, json.replace("\"supervised\":", "\"supervised\":1"));
        assertEquals(List.of("Shard 0 differs between the manifest and its marker"),
                StoreVerification.of(open2()).problems());
        Files.writeString(folder.resolve("_manifest.json"), "{\"format_version\":2,\"shards\":[]}");
        assertTrue(assertThrows(InvalidStoreException.class, this::open2).getMessage().contains("0 shards (expected 1)"));
        Path settings = folder.resolve("store.json");
        Files.writeString(settings, Files.readString(settings).replace("\"shards\" : 1", "\"shards\" : 2000000000"));
        assertTrue(assertThrows(InvalidStoreException.class, this::open2).getMessage().contains("Invalid shards: 2000000000"));
        Files.writeString(folder.resolve("store.json"), "{}");
        assertTrue(assertThrows(InvalidStoreException.class, this::open2).getMessage().contains("format_version is 0"));
        Files.delete(folder.resolve("store.json"));
        assertTrue(assertThrows(InvalidStoreException.class, this::open2).getMessage()
                .contains("has no store.json (expected a folder that prepare has written)"));
    }

    private static Path shardFile(Path folder, CommittedShard shard) {
        return folder.resolve("shards").resolve(shard.file());
    }
}
