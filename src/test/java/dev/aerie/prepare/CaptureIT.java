package dev.aerie.prepare;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.aerie.files.Folder;
import dev.aerie.safetensors.SafetensorsFile;
import dev.aerie.safetensors.SafetensorsWriter;
import dev.aerie.spark.DeviceChoice;
import dev.aerie.spark.TaskResources;
import dev.aerie.store.CommittedShard;
import dev.aerie.store.ConversationEntry;
import dev.aerie.store.HiddenStateStore;
import dev.aerie.store.InvalidStoreException;
import dev.aerie.store.Part;
import dev.aerie.store.ShardReader;
import dev.aerie.store.StoredConversation;
import dev.aerie.store.TeacherRows;
import dev.aerie.target.Generator;
import dev.aerie.target.Residency;
import dev.aerie.target.Target;
import dev.aerie.testing.Golden;
import dev.aerie.testing.LocalSpark;
import dev.aerie.text.TokenSequence;
import dev.aerie.torch.DType;
import dev.aerie.torch.Device;
import dev.aerie.torch.LibTorch;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerTaskEnd;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

class CaptureIT {

    private static final int VOCABULARY = 96;
    private final SparkSession spark = LocalSpark.session();
    private final long seed = new Random().nextLong();

    @TempDir
    Path folder;

    @Test
    void storesTheGoldenHiddenStatesRowByRow() throws IOException {
        Path target = Captures.target();
        try (SafetensorsFile golden = SafetensorsFile.open(target.resolve("golden.safetensors")); Scope scope = Scope.open()) {
            List<TokenizedRow> rows = Captures.golden(golden);
            long[] cu = golden.tensor("cu_seqlens").toLongs();
            List<Tensor> layers = Stream.of(2, 4, 5).map(k -> golden.tensor("hidden_states." + k)).toList();
            Tensor aux = Tensor.cat(1, layers);
            Tensor last = golden.tensor("hidden_states.8");
            Path f32 = folder.resolve("f32");
            Path bf16 = folder.resolve("bf16");
            Captures.run(spark, Captures.settings(target, f32, "f32", TeacherRows.ALL, 20, 64), rows);
            Captures.run(spark, Captures.settings(target, bf16, "bf16", TeacherRows.STRICT, 20, 64), rows);
            Map<String, StoredConversation> exact = read(f32);
            Map<String, StoredConversation> rounded = read(bf16);
            for (int i = 0; i < rows.size(); i++) {
                StoredConversation stored = exact.get("golden-" + i);
                int tokens = rows.get(i).sequence().inputIds().length;
                assertArrayEquals(rows.get(i).sequence().inputIds(), stored.sequence().inputIds());
                assertRowsClose(aux.narrow(0, cu[i], tokens), stored.aux());
                assertRowsClose(last.narrow(0, cu[i], tokens), stored.teacherStates());
                StoredConversation small = rounded.get("golden-" + i);
                assertArrayEquals(stored.aux().to(DType.BF16).toBytes(), small.aux().toBytes());
                int[] teacher = small.teacherRows();
                assertEquals(tokens - 1, teacher.length);
                assertArrayEquals(stored.teacherStates().narrow(0, 0, teacher.length).to(DType.BF16).toBytes(),
                        small.teacherStates().toBytes());
            }
        }
    }

    /** Every row within 1e-4 of that row's largest element. */
    private static void assertRowsClose(Tensor expected, Tensor found) {
        float[] a = expected.contiguous().toFloats();
        float[] b = found.toFloats();
        assertEquals(a.length, b.length);
        int width = (int) found.size(1);
        for (int row = 0; row < a.length / width; row++) {
            double largest = 0;
            double error = 0;
            for (int i = row * width; i < (row + 1) * width; i++) {
                largest = Math.max(largest, Math.abs(a[i]));
                error = Math.max(error, Math.abs(a[i] - b[i]));
            }
            assertTrue(error <= 1e-4 * largest, "row " + row + ": " + error + " of " + largest);
        }
    }

    private static Map<String, StoredConversation> read(Path store) throws IOException {
        HiddenStateStore opened = HiddenStateStore.open(store.toString(), new org.apache.hadoop.conf.Configuration());
        Map<String, StoredConversation> out = new HashMap<>();
        for (CommittedShard shard : opened.shards()) {
            try (ShardReader reader = opened.reader(shard)) {
                for (Optional<StoredConversation> c = reader.next(); c.isPresent(); c = reader.next()) {
                    out.put(c.get().id(), c.get());
                }
            }
        }
        return out;
    }

    @Test
    void wavesAndShardsHoldEveryConversationOnce() throws IOException {
        List<TokenizedRow> rows = Captures.random(60, 3, VOCABULARY, seed);
        Path store = folder.resolve("store");
        CaptureReport report =
                Captures.run(spark, Captures.settings(Captures.target(), store, "bf16", TeacherRows.STRICT, 200, 70), rows);
        assertTrue(report.shards() > 5, "shards " + report.shards());
        Map<String, StoredConversation> stored = read(store);
        assertEquals(60, stored.size(), "seed " + seed);
        for (TokenizedRow row : rows) {
            if (row.part() == Part.TRAIN) {
                assertArrayEquals(row.sequence().inputIds(), stored.get(row.id()).sequence().inputIds());
                assertArrayEquals(row.sequence().lossMask(), stored.get(row.id()).sequence().lossMask());
            }
        }
        assertEquals(List.of(), Captures.problems(store));
        String[] files = report.store().shards().stream().map(s -> store + "/shards/" + s.file()).toArray(String[]::new);
        assertEquals(60, spark.read().parquet(files).select("conversation_id").distinct().count());
        for (CommittedShard shard : report.store().shards()) {
            boolean train = shard.conversations().get(0).part() == Part.TRAIN;
            assertTrue(shard.conversations().stream().allMatch(c -> (c.part() == Part.TRAIN) == train));
            assertTrue(!train || shard.tokens() <= 200);
        }
    }

    @Test
    void aStreamedTargetMakesTheSameBytesWhateverItsWaves() throws IOException {
        List<TokenizedRow> rows = Captures.random(60, 3, VOCABULARY, seed);
        Path resident = folder.resolve("resident");
        Captures.run(spark, Captures.settings(Captures.target(), resident, "bf16", TeacherRows.STRICT, 400, 70), rows);
        for (int waveTokens : new int[] {1, 150, 100_000}) {
            Path store = folder.resolve("streamed-" + waveTokens);
            Captures.run(spark, Captures.streamed(store, 400, 70, waveTokens), rows);
            assertEquals(Captures.digests(resident), Captures.digests(store), "seed " + seed + ", waves of " + waveTokens);
        }
    }

    @Test
    void heldOutPromptsGoOnWithWhatTheTargetSays() throws IOException {
        List<TokenizedRow> rows = new ArrayList<>(Captures.random(5, 4, VOCABULARY, seed));
        TokenizedRow last = rows.get(4);
        boolean[] all = new boolean[last.sequence().inputIds().length];
        Arrays.fill(all, true);
        rows.set(4, new TokenizedRow(last.position(), "no-prompt", "random", Part.HELD_OUT,
                new TokenSequence(last.sequence().inputIds(), all)));
        Path store = folder.resolve("store");
        CaptureReport report =
                Captures.run(spark, Captures.settings(Captures.target(), store, "f32", TeacherRows.STRICT, 1000, 70), rows);
        assertEquals(1, report.refused());
        Map<String, StoredConversation> stored = read(store);
        assertFalse(stored.containsKey("no-prompt"));
        try (Target target = Target.load(Captures.target(), DType.F32, Device.CPU); Scope scope = Scope.open()) {
            for (TokenizedRow row : rows.subList(1, 4)) {
                long[] prompt = Arrays.stream(row.sequence().inputIds(), 0, 8).asLongStream().toArray();
                int[] said = Arrays.stream(Generator.greedy(target).generate(prompt, 12)).mapToInt(Math::toIntExact).toArray();
                StoredConversation found = stored.get(row.id());
                assertEquals(Part.HELD_OUT, found.part());
                assertArrayEquals(said, Arrays.copyOfRange(found.sequence().inputIds(), 8, found.tokens()), "seed " + seed);
                for (int i = 0; i < found.tokens(); i++) {
                    assertEquals(i >= 8, found.sequence().lossMask()[i]);
                }
            }
        }
    }

    /** Fails every attempt at some shards, before or after the marker, as long as a file is there. */
    private record Faults(String whileThere, List<Integer> before, List<Integer> after) implements ShardObserver {

        @Override
        public void beforeCommit(int shard) {
            fail(before, shard);
        }

        @Override
        public void afterCommit(int shard) {
            fail(after, shard);
        }

        private void fail(List<Integer> shards, int shard) {
            if (shards.contains(shard) && Files.exists(Path.of(whileThere))) {
                throw new IllegalStateException("a fault made by the test in shard " + shard);
            }
        }
    }

    @Test
    void anAbortedRunIsFinishedByTheNextWithTheSameBytes() throws IOException {
        List<TokenizedRow> rows = Captures.random(60, 2, VOCABULARY, seed);
        Path whole = folder.resolve("whole");
        Captures.run(spark, Captures.settings(Captures.target(), whole, "bf16", TeacherRows.STRICT, 250, 100), rows);

        Path store = folder.resolve("store");
        CaptureSettings settings = Captures.settings(Captures.target(), store, "bf16", TeacherRows.STRICT, 250, 100);
        Path faulty = Files.createFile(folder.resolve("faulty"));
        Faults before = new Faults(faulty.toString(), List.of(2), List.of());
        assertThrows(Exception.class, () -> Captures.run(spark, settings, rows, before), "seed " + seed);
        assertThrows(InvalidStoreException.class, () -> Captures.digests(store));
        // Which shards the aborted run left is up to the scheduler; number 2 is among them.
        Faults after = new Faults(faulty.toString(), List.of(), IntStream.range(0, 100).boxed().toList());
        assertThrows(Exception.class, () -> Captures.run(spark, settings, rows, after), "seed " + seed);
        Files.delete(faulty);
        Captures.run(spark, settings, rows);
        assertEquals(Captures.digests(whole), Captures.digests(store), "seed " + seed);
        assertEquals(List.of(), Captures.problems(store));
        CaptureReport again = Captures.run(spark, settings, rows);
        assertEquals(0, again.shards());
        assertEquals(List.of(), again.store().orphans());
    }

    @Test
    void aStoreOfSomethingElseIsRefused() throws IOException {
        List<TokenizedRow> rows = Captures.random(6, 0, VOCABULARY, seed);
        Path store = folder.resolve("store");
        CaptureSettings settings = Captures.settings(Captures.target(), store, "bf16", TeacherRows.STRICT, 250, 100);
        Captures.run(spark, settings, rows);
        String where = "Invalid store file:" + store + ": ";
        assertRefused(where + "fingerprints.inputs", settings, rows.subList(1, 6));
        CaptureSettings all = Captures.settings(Captures.target(), store, "bf16", TeacherRows.ALL, 250, 100);
        assertRefused(where + "states.teacher_rows is strict (expected all)", all, rows);
        assertEquals(where + "states.teacher_rows is strict (expected all)", assertThrows(InvalidStoreException.class,
                () -> new Capture(spark, all, System.out).requireCompatibleStore()).getMessage());
        CaptureSettings waves = Captures.settings(Captures.target(), store, "bf16", TeacherRows.STRICT, 250, 101);
        assertRefused(where + "fingerprints.settings", waves, rows);
        new Capture(spark, settings, System.out).requireCompatibleStore();
        Path other = Golden.target("llama3-sharded");
        assertRefused(where + "fingerprints.target",
                Captures.settings(other, store, "bf16", TeacherRows.STRICT, 250, 100), rows);
    }

    /**
     * Two runs with other conversations begin at once in one new folder: one has it, the other is refused before it writes
     * anything, and tokens, vocabulary and states are of the same run.
     */
    @Test
    void runsOfOtherConversationsDoNotMix() throws Exception {
        List<List<TokenizedRow>> conversations = List.of(
                Captures.random(12, 1, VOCABULARY, seed), Captures.random(12, 1, VOCABULARY, seed + 1));
        Path store = folder.resolve("store");
        CaptureSettings settings = Captures.settings(Captures.target(), store, "bf16", TeacherRows.STRICT, 250, 100);
        CyclicBarrier start = new CyclicBarrier(2);
        ExecutorService threads = Executors.newFixedThreadPool(2);
        List<Future<String>> runs = new ArrayList<>();
        for (List<TokenizedRow> rows : conversations) {
            runs.add(threads.submit(() -> {
                start.await(60, TimeUnit.SECONDS);
                try {
                    prepare(settings, rows);
                    return "done";
                } catch (InvalidStoreException e) {
                    return e.getMessage();
                }
            }));
        }
        List<String> ended = new ArrayList<>();
        for (Future<String> run : runs) {
            ended.add(run.get(200, TimeUnit.SECONDS));
        }
        threads.shutdown();
        assertEquals(1, ended.stream().filter("done"::equals).count(), ended::toString);
        assertTrue(ended.stream().anyMatch(said -> said.contains("fingerprints.inputs")), ended::toString);
        assertOfOneRun(store, conversations.get(ended.indexOf("done")));
    }

    /** Readers refuse tables that a run with other conversations left in the folder, and the next run writes them again. */
    @Test
    void tablesOfOtherConversationsAreNotReadAndMadeAnew() throws IOException {
        List<TokenizedRow> rows = Captures.random(12, 1, VOCABULARY, seed);
        Path store = folder.resolve("store");
        CaptureSettings settings = Captures.settings(Captures.target(), store, "bf16", TeacherRows.STRICT, 250, 100);
        prepare(settings, rows);
        for (String name : List.of("tokens", "quarantine")) {
            org.apache.hadoop.fs.FileUtil.fullyDelete(store.resolve(name).toFile());
        }
        List<TokenizedRow> others = Captures.random(12, 1, VOCABULARY, seed + 1);
        TokensTable.write(Captures.table(spark, others), Folder.at(store.toString(), new Configuration()), "tokens", "f".repeat(64));
        beside(store, others, "f".repeat(64));
        for (Executable reading : List.<Executable>of(
                () -> TokensTable.read(spark, store.toString()),
                () -> TokenFrequencies.read(store.toString(), spark.sparkContext().hadoopConfiguration()))) {
            String said = assertThrows(InvalidStoreException.class, reading).getMessage();
            assertTrue(said.contains("was made from inputs " + "f".repeat(64)), said);
        }
        prepare(settings, rows);
        assertOfOneRun(store, rows);
    }

    private void prepare(CaptureSettings settings, List<TokenizedRow> rows) throws IOException {
        new Capture(spark, settings, new PrintStream(OutputStream.nullOutputStream()))
                .run(Captures.table(spark, rows), inputs -> beside(Path.of(settings.output().store()), rows, inputs));
    }

    /** As an ingest writes its tables. */
    private void beside(Path store, List<TokenizedRow> rows, String inputs) throws IOException {
        Dataset<Row> table = Captures.table(spark, rows);
        IngestReport report = new IngestReport(rows.size(), 0, Map.of(), rows.size(), 0, 0, 0, Map.of(), List.of(), 0);
        new IngestedTables(report, List.of(table),
                table.select("position", "id").limit(0), TokenFrequencies.of(table, VOCABULARY), Optional.empty())
                .write(store.toString(), spark.sparkContext().hadoopConfiguration(), inputs, VOCABULARY);
    }

    private void assertOfOneRun(Path store, List<TokenizedRow> rows) throws IOException {
        List<TokenizedRow> tokens = TokensTable.read(spark, store.toString()).collectAsList().stream().map(TokenizedRow::of)
                .sorted(Comparator.comparingLong(TokenizedRow::position)).toList();
        assertEquals(rows.size(), tokens.size());
        Map<String, StoredConversation> states = read(store);
        for (int i = 0; i < rows.size(); i++) {
            assertArrayEquals(rows.get(i).sequence().inputIds(), tokens.get(i).sequence().inputIds());
            if (rows.get(i).part() == Part.TRAIN) {
                assertArrayEquals(rows.get(i).sequence().inputIds(), states.get(rows.get(i).id()).sequence().inputIds());
            }
        }
        assertArrayEquals(TokenFrequencies.of(Captures.table(spark, rows), VOCABULARY).counts(),
                TokenFrequencies.read(store.toString(), spark.sparkContext().hadoopConfiguration()).counts());
    }

    /** Notes the threads that operators of a task's thread have. */
    private record NotesThreads(String file) implements ShardObserver {

        @Override
        public void beforeCommit(int shard) {
            try {
                Files.writeString(Path.of(file), String.valueOf(LibTorch.threads()));
            } catch (IOException e) {
                throw new java.io.UncheckedIOException(e);
            }
        }
    }

    @Test
    void tasksHaveTheThreadsOfTheRecipe() throws IOException {
        for (int threads : new int[] {3, 1}) {
            Path noted = folder.resolve("threads-" + threads);
            Path store = folder.resolve("store-" + threads);
            CaptureSettings one = Captures.settings(Captures.target(), store, "bf16", TeacherRows.STRICT, 900, 100);
            CaptureSettings settings = new CaptureSettings(one.target(), one.captureLayers(), one.waves(), one.output(),
                    one.origin(), one.continuationTokens(), one.maxRefusedShare(), new TaskResources(DeviceChoice.CPU, threads));
            Captures.run(spark, settings, Captures.random(4, 0, VOCABULARY, seed), new NotesThreads(noted.toString()));
            assertEquals(String.valueOf(threads), Files.readString(noted));
        }
    }

    /** Rows and bytes that tasks read from or wrote for a shuffle. */
    private static final class Shuffles extends SparkListener {

        private final AtomicLong records = new AtomicLong();
        private final AtomicInteger tasks = new AtomicInteger();

        @Override
        public void onTaskEnd(SparkListenerTaskEnd event) {
            tasks.incrementAndGet();
            records.addAndGet(event.taskMetrics().shuffleWriteMetrics().recordsWritten()
                    + event.taskMetrics().shuffleReadMetrics().recordsRead());
        }
    }

    private interface Work {
        void run() throws IOException;
    }

    /** Returns the records that work shuffled; fails if no task ran. */
    private long shuffled(Work work) throws Exception {
        Shuffles shuffles = new Shuffles();
        spark.sparkContext().addSparkListener(shuffles);
        try {
            work.run();
            spark.sparkContext().listenerBus().waitUntilEmpty();
            assertTrue(shuffles.tasks.get() > 0);
            return shuffles.records.get();
        } finally {
            spark.sparkContext().removeSparkListener(shuffles);
        }
    }

    /** Tasks of a run over an existing plan read their shards' tokens as they lie there. */
    @Test
    void aRunOverAnExistingPlanShufflesNothing() throws Exception {
        List<TokenizedRow> rows = Captures.random(60, 5, VOCABULARY, seed);
        Path store = folder.resolve("store");
        CaptureSettings settings = Captures.settings(Captures.target(), store, "f32", TeacherRows.ALL, 70, 64);
        Capture capture = new Capture(spark, settings, new PrintStream(OutputStream.nullOutputStream()));
        assertEquals(Optional.empty(), capture.resume());
        assertTrue(shuffled(() -> capture.run(Captures.table(spark, rows))) > 0);
        List<String> once = Captures.digests(store);
        assertTrue(once.size() > 2 * PlannedTokens.SHARDS_PER_FILE / 3, "shards " + once.size());

        Files.delete(store.resolve("_manifest.json"));
        for (int shard = 0; shard < once.size(); shard += 3) {
            Files.delete(store.resolve(String.format(Locale.ROOT, "_committed/shard-%05d.json", shard)));
        }
        assertEquals(0, shuffled(() -> assertTrue(capture.resume().isPresent())), "seed " + seed);
        assertEquals(once, Captures.digests(store), "seed " + seed);
        assertEquals(List.of(), Captures.problems(store));

        CommittedShard damaged = HiddenStateStore.open(store.toString(), new Configuration()).shards().get(1);
        Files.write(store.resolve("shards").resolve(damaged.file()), new byte[0]);
        assertEquals(0, shuffled(() -> capture.again(List.of(1))), "seed " + seed);
        assertEquals(List.of(), Captures.problems(store));
    }

    /** Of every shard, exactly its conversations in the order of the plan, however many files there are. */
    @Test
    void theTokensOfAShardAreReadAlone() throws IOException {
        List<TokenizedRow> rows = Captures.random(200, 20, VOCABULARY, seed);
        ConversationSummaries planned = new ConversationSummaries(TeacherRows.STRICT, 12);
        rows.forEach(row -> planned.add(ConversationSummary.of(row, TeacherRows.STRICT)));
        ShardPlan plan = ShardPlan.of(planned, 90, 7);
        assertTrue(plan.shards() > 3 * PlannedTokens.SHARDS_PER_FILE, "shards " + plan.shards());
        Folder store = Folder.at(folder.resolve("store").toString(), new Configuration());
        PlannedTokens.write(spark, Captures.table(spark, rows).repartition(5).javaRDD().map(TokenizedRow::of), plan, 99, store, "i");
        PlannedTokens found = PlannedTokens.find(store, "i").orElseThrow();
        assertEquals(Optional.empty(), PlannedTokens.find(store, "j"));
        assertEquals((plan.shards() + 15) / 16, found.shards().files().size());
        assertArrayEquals(plan.tokens(), found.shardTokens());
        assertEquals(99, found.teacherRows());
        assertEquals(plan.fingerprint(), found.fingerprint());
        int read = 0;
        for (int shard = 0; shard < plan.shards(); shard++) {
            int of = shard;
            List<TokenizedRow> expected = rows.stream().filter(row -> plan.shardOf(row.position()) == of)
                    .sorted(Comparator.comparingInt(row -> plan.placeOf(row.position()))).toList();
            try (ShardTokens.Rows own = found.shards().of(shard, new Configuration())) {
                for (TokenizedRow row : expected) {
                    TokenizedRow next = own.next();
                    assertEquals(row.id() + row.source() + row.part() + row.position(),
                            next.id() + next.source() + next.part() + next.position(), "seed " + seed);
                    assertArrayEquals(row.sequence().inputIds(), next.sequence().inputIds());
                    assertArrayEquals(row.sequence().lossMask(), next.sequence().lossMask());
                    read++;
                }
                assertFalse(own.hasNext());
            }
        }
        assertEquals(200, read);
        assertThrows(InvalidStoreException.class, () -> found.shards().of(plan.shards(), new Configuration()));
        Files.delete(folder.resolve("store").resolve(found.shards().files().get(16)));
        assertEquals(Optional.empty(), PlannedTokens.find(store, "i"));
    }

    @Test
    void otherSettingsDoNotGoOnWithAPlan() throws IOException {
        List<TokenizedRow> rows = Captures.random(30, 2, VOCABULARY, seed);
        Path store = folder.resolve("store");
        Captures.run(spark, Captures.settings(Captures.target(), store, "bf16", TeacherRows.STRICT, 250, 100), rows);
        Map<String, CaptureSettings> others = Map.of(
                "fingerprints.settings", Captures.settings(Captures.target(), store, "bf16", TeacherRows.STRICT, 251, 100),
                "target.micro_batch_tokens", Captures.settings(Captures.target(), store, "bf16", TeacherRows.STRICT, 250, 101));
        others.forEach((field, other) -> {
            Capture capture = new Capture(spark, other, new PrintStream(OutputStream.nullOutputStream()));
            for (Executable run : List.<Executable>of(capture::resume, () -> capture.again(List.of(0)))) {
                String said = assertThrows(InvalidStoreException.class, run).getMessage();
                assertTrue(said.contains(field), said);
            }
        });
    }

    private void assertRefused(String start, CaptureSettings settings, List<TokenizedRow> rows) {
        String message = assertThrows(InvalidStoreException.class, () -> Captures.run(spark, settings, rows)).getMessage();
        assertTrue(message.startsWith(start), message);
    }

    @Test
    void conversationsWithNaNAreLeftOutAndNamed() throws IOException {
        Path broken = folder.resolve("target");
        copyWithNaN(Captures.target(), broken, 17);
        List<TokenizedRow> rows = Captures.random(30, 0, VOCABULARY, seed);
        List<String> expected = rows.stream()
                .filter(r -> Arrays.stream(r.sequence().inputIds()).anyMatch(id -> id == 17))
                .map(TokenizedRow::id)
                .sorted()
                .toList();
        CaptureReport report = Captures.run(
                spark, Captures.settings(broken, folder.resolve("store"), "bf16", TeacherRows.STRICT, 250, 100), rows);
        List<String> refused = new ArrayList<>();
        report.store().shards().forEach(s -> s.refused().forEach(r -> {
            refused.add(r.id());
            // Masked attention multiplies what it must not see by zero, and so NaN reaches earlier tokens of the sequence too.
            assertTrue(r.reason().startsWith("NaN or infinity in the output of layer 1 at token "), r.reason());
        }));
        assertEquals(expected, refused.stream().sorted().toList(), "seed " + seed);
        assertEquals(30 - expected.size(), report.store().conversations(Part.TRAIN).map(ConversationEntry::id).count());
    }

    @Test
    void tooManyConversationsWithNaNStopTheRun() throws IOException {
        Path broken = folder.resolve("target");
        copyWithNaN(Captures.target(), broken, 17);
        List<TokenizedRow> rows = Captures.random(40, 0, VOCABULARY, seed);
        int bad = (int) rows.stream().filter(r -> Arrays.stream(r.sequence().inputIds()).anyMatch(id -> id == 17)).count();
        Assumptions.assumeTrue(bad > 1, "seed " + seed);
        Path store = folder.resolve("store");
        Exception e = assertThrows(Exception.class, () -> Captures.run(spark, limited(broken, store, (bad - 0.5) / 40), rows));
        String message = Stream.iterate((Throwable) e, t -> t != null, Throwable::getCause).map(Throwable::toString)
                .filter(m -> m.contains("Too many conversations refused: " + bad + " of 40")).findFirst().orElse(null);
        assertTrue(message != null && message.contains("NaN or infinity in the output of layer 1 at token "), e.toString());
        assertEquals(bad, Captures.run(spark, limited(broken, store, (bad + 0.5) / 40), rows).refused());
        Exception early = assertThrows(Exception.class,
                () -> Captures.run(spark, limited(broken, folder.resolve("none"), 0), rows));
        assertTrue(early.getMessage().contains("store.max_refused_share"), early.getMessage());
    }

    /** The first shard fails once another task is at work; that one takes its time whatever interrupts it. */
    private record SlowToEnd() implements ShardObserver {

        static final AtomicInteger ATTEMPTS = new AtomicInteger();
        static final AtomicInteger AT_WORK = new AtomicInteger();

        @Override
        public void beforeCommit(int shard) {
            if (ATTEMPTS.getAndIncrement() > 0) {
                AT_WORK.incrementAndGet();
                for (long start = System.nanoTime(); System.nanoTime() - start < 2_000_000_000L; ) {
                    LockSupport.parkNanos(1_000_000);
                }
                AT_WORK.decrementAndGet();
                return;
            }
            while (AT_WORK.get() == 0) {
                LockSupport.parkNanos(1_000_000);
            }
            throw new IllegalStateException("the first of two");
        }
    }

    @Test
    void aRunThatFailsWaitsForItsTasksToEnd() {
        List<TokenizedRow> rows = Captures.random(40, 0, VOCABULARY, seed);
        assertThrows(Exception.class, () -> Captures.run(spark, limited(Captures.target(), folder.resolve("store"), 1), rows,
                new SlowToEnd()));
        assertEquals(0, SlowToEnd.AT_WORK.get(), "tasks at work after the run has returned");
        assertTrue(SlowToEnd.ATTEMPTS.get() > 1);
    }

    private static CaptureSettings limited(Path target, Path store, double maxRefusedShare) {
        return Captures.settings(target, store, "bf16", TeacherRows.STRICT, 250, Residency.RESIDENT, 100, 1, maxRefusedShare);
    }

    /** The target with NaN in the embedding of one token. */
    private static void copyWithNaN(Path target, Path to, int token) throws IOException {
        Files.createDirectories(to);
        Files.copy(target.resolve("config.json"), to.resolve("config.json"));
        try (SafetensorsFile file = SafetensorsFile.open(target.resolve("model.safetensors")); Scope scope = Scope.open()) {
            Map<String, Tensor> tensors = new HashMap<>();
            file.names().forEach(name -> tensors.put(name, file.tensor(name).copy()));
            tensors.get("model.embed_tokens.weight").narrow(0, token, 1).mul_(Double.NaN);
            SafetensorsWriter.write(to.resolve("model.safetensors"), tensors, Map.of());
        }
    }

    @Test
    void aTableThatIngestCannotMakeIsAProgrammersError() {
        List<TokenizedRow> rows = new ArrayList<>(Captures.random(3, 0, VOCABULARY, seed));
        TokenizedRow first = rows.get(0);
        rows.add(new TokenizedRow(99, first.id(), "random", Part.TRAIN, first.sequence()));
        CaptureSettings settings = Captures.settings(Captures.target(), folder, "bf16", TeacherRows.STRICT, 250, 100);
        assertEquals("Invalid conversation id: c0 twice (expected each once)",
                assertThrows(IllegalArgumentException.class, () -> Captures.run(spark, settings, rows)).getMessage());
    }
}
