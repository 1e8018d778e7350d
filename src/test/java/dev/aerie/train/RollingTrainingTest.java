package dev.aerie.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.aerie.draft.DraftConfig;
import dev.aerie.draft.DraftParameters;
import dev.aerie.draft.LossMode;
import dev.aerie.files.Folder;
import dev.aerie.gang.Collective;
import dev.aerie.gang.ThreadGang;
import dev.aerie.host.HostModel;
import dev.aerie.spark.DeviceChoice;
import dev.aerie.spark.TaskResources;
import dev.aerie.store.Codec;
import dev.aerie.store.CommittedShard;
import dev.aerie.store.Container;
import dev.aerie.store.Fingerprints;
import dev.aerie.store.HiddenStateStore;
import dev.aerie.store.InvalidStoreException;
import dev.aerie.store.Part;
import dev.aerie.store.PlannedCounts;
import dev.aerie.store.RollingStore;
import dev.aerie.store.RollingUse;
import dev.aerie.store.ShardWriter;
import dev.aerie.store.StateLayout;
import dev.aerie.store.StorePlan;
import dev.aerie.store.StoreSettings;
import dev.aerie.store.TeacherRows;
import dev.aerie.target.spec.Rope;
import dev.aerie.text.DraftVocabulary;
import dev.aerie.text.TokenSequence;
import dev.aerie.torch.DType;
import dev.aerie.torch.DTypeChoice;
import dev.aerie.torch.Device;
import dev.aerie.torch.LibTorch;
import dev.aerie.torch.Optimizer;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A training on a rolling store computes what it computes on a whole one. In place of a capture, a thread copies the next two
 * shards of a whole store to the rolling one and deletes all others.
 */
class RollingTrainingTest {

    private static final Path TARGET = Path.of("src", "test", "resources", "dev", "aerie", "target", "llama3-two-layers");
    private static final int HIDDEN = 64;
    private static final int VOCABULARY = 320;
    private static final List<Integer> LAYERS = List.of(0, 1, 2);
    private static final int SHARDS = 5;
    private static final int HELD_OUT = SHARDS;
    private static final long SEED = 3;

    @TempDir
    Path folder;

    private final Configuration conf = new Configuration();
    private final List<String> losses = Collections.synchronizedList(new ArrayList<>());
    private HiddenStateStore whole;
    private String rolling;

    @BeforeEach
    void stores() throws IOException {
        LibTorch.setThreads(1);
        Random random = new Random(SEED);
        StoreSettings settings = StoreSettings.of(
                new Fingerprints("a".repeat(64), "b".repeat(64), "c".repeat(64), "d".repeat(64), "e".repeat(64)),
                new StateLayout(HIDDEN, LAYERS, TeacherRows.STRICT, Codec.of("f32"), Container.PARQUET),
                new PlannedCounts(SHARDS + 1, 3 * SHARDS + 2, 2, 1000));
        whole = HiddenStateStore.create(folder.resolve("whole").toString(), conf, settings);
        for (int shard = 0; shard <= SHARDS; shard++) {
            try (ShardWriter writer = whole.writer(shard); Scope scope = Scope.open()) {
                for (int c = 0; c < (shard == HELD_OUT ? 2 : 3); c++) {
                    int n = 6 + random.nextInt(20);
                    boolean[] mask = new boolean[n];
                    Arrays.fill(mask, 2, n, true);
                    writer.write("s" + shard + "c" + c, shard == HELD_OUT ? Part.HELD_OUT : Part.TRAIN,
                            new TokenSequence(random.ints(n, 0, VOCABULARY).toArray(), mask),
                            Tensor.randomNormal(random.nextInt(99), 1, n, 3L * HIDDEN),
                            Tensor.randomNormal(random.nextInt(99), 1, n, HIDDEN));
                }
                writer.commit();
            }
        }
        whole = whole.complete();
        rolling = folder.resolve("rolling").toString();
        HiddenStateStore.create(rolling, conf, settings);
        Files.createDirectories(Path.of(rolling, "shards"));
        Files.createDirectories(Path.of(rolling, "_committed"));
    }

    private StoreInputs inputs(RollingTraining training) {
        DraftConfig draft = new DraftConfig(HIDDEN, 96, 4, 2, 16, HIDDEN, VOCABULARY, 40, 1e-5, 256, new Rope.Default(10_000),
                List.of(), null, List.of(), null);
        DraftVocabulary vocabulary = new DraftVocabulary(VOCABULARY, IntStream.range(0, 40).map(i -> 8 * i).toArray());
        HostModel target = HostModel.at(TARGET);
        return training == null ? new StoreInputs(whole, LAYERS, target, draft, vocabulary)
                : StoreInputs.rolling(rolling, whole.settings(), StorePlan.of(whole, null), LAYERS, target, draft, vocabulary,
                        training);
    }

    private RollingTraining training(Path output, boolean inTurn) {
        return new RollingTraining(output.toUri().toString(), inTurn, Duration.ofMinutes(2));
    }

    private static final class Stop extends RuntimeException {}

    /** @param stopBefore fails before this step; 0 to go on */
    private List<RankLoop.End> train(StoreInputs inputs, Path output, int ranks, int checkpointSteps, long stopBefore)
            throws Exception {
        TrainSettings settings = new TrainSettings(LossMode.STRICT, 2,
                new TrainSettings.Batches(new BatchSize.Conversations(2), 64, 2, 0, SEED),
                new TrainSettings.Optimization(1e-3, 0, Schedule.CONSTANT, Optimizer.AdamW.withDecay(0), 1),
                new TrainSettings.Milestones(checkpointSteps, 1, 7), DTypeChoice.FLOAT32,
                CorruptChunks.STOP, new TaskResources(DeviceChoice.CPU, 1), new TreeMap<>());
        Files.createDirectories(output);
        return ThreadGang.run(ranks, c -> {
            try (TrainingInputs.Opened opened = inputs.open(Device.CPU, DType.F32, conf)) {
                return loop(c, settings, opened, inputs, output, stopBefore).run();
            }
        });
    }

    private RankLoop loop(Collective c, TrainSettings settings, TrainingInputs.Opened opened, StoreInputs inputs, Path output,
            long stopBefore) throws IOException {
        return new RankLoop(c, Device.CPU, 1, settings, opened, Training.recipe(settings, inputs),
                Folder.at(output.toString(), conf), folder, new RankLoop.Observer() {
                    @Override
                    public void begins(long step) {
                        if (step == stopBefore) {
                            throw new Stop();
                        }
                    }

                    @Override
                    public void done(StepMetrics metrics) {
                        if (c.rank() == 0) {
                            losses.add(metrics.step() + " " + metrics.loss() + " " + (metrics.heldOut() == null ? ""
                                    : metrics.heldOut().acceptanceLength()));
                        }
                    }

                    @Override
                    public void skipped(String why) {
                        throw new AssertionError(why);
                    }

                    @Override
                    public void note(String text) {}
                });
    }

    private float[] parameters(Path output) throws IOException {
        TrainedDraft draft = TrainedDraft.open(output.toString(), conf);
        try (Scope scope = Scope.open(); DraftParameters parameters = draft.parameters(Device.CPU)) {
            return parameters.flat().toFloats();
        }
    }

    /** Makes the shards that a training at a position needs, and evicts all others. */
    private void fill(RollingStore store, RollingUse use) throws IOException {
        long position = store.position();
        List<Integer> wanted = new ArrayList<>(use.heldOut());
        for (long next = position; next < Math.min(position + 2, use.uses()); next++) {
            wanted.add(use.shards().get((int) (next % use.shards().size())));
        }
        for (int shard : store.present().keySet()) {
            if (!wanted.contains(shard)) {
                store.evict(shard);
            }
        }
        for (int shard : wanted) {
            if (!store.present().containsKey(shard)) {
                CommittedShard made = whole.shards().get(shard);
                Path from = folder.resolve("whole");
                copy(from.resolve("shards").resolve(made.file()), Path.of(rolling, "shards", made.file()));
                String marker = String.format(Locale.ROOT, "_committed/shard-%05d.json", shard);
                copy(from.resolve(marker), Path.of(rolling, marker));
            }
        }
    }

    private static void copy(Path from, Path to) throws IOException {
        Path aside = to.resolveSibling("." + to.getFileName());
        Files.copy(from, aside, StandardCopyOption.REPLACE_EXISTING);
        Files.move(aside, to, StandardCopyOption.ATOMIC_MOVE);
    }

    /** Trains on the whole store, and returns the losses. */
    private List<String> offline(Path output, int ranks) throws Exception {
        train(inputs(null), output, ranks, 100, 0);
        List<String> expected = List.copyOf(losses);
        losses.clear();
        return expected;
    }

    private interface Body {
        void run() throws Exception;
    }

    /** Runs while shards are made beside it. */
    private void beside(RollingUse use, Body training) throws Exception {
        RollingStore store = RollingStore.at(rolling, conf);
        Thread capture = new Thread(() -> {
            try {
                while (!Thread.interrupted() && store.position() < use.uses()) {
                    fill(store, use);
                    Thread.sleep(20);
                }
            } catch (InterruptedException e) {
                return;
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
        capture.start();
        try {
            training.run();
        } finally {
            capture.interrupt();
            capture.join();
        }
    }

    @Test
    void computesWhatAWholeStoreGives() throws Exception {
        for (int ranks = 1; ranks <= 2; ranks++) {
            Path offline = folder.resolve("offline" + ranks);
            List<String> expected = offline(offline, ranks);
            assertEquals(2 * 8, expected.size());

            Path output = folder.resolve("beside" + ranks);
            StoreInputs inputs = inputs(training(output, false));
            RollingUse use = inputs.use(2);
            RollingStore.at(rolling, conf).take(use);
            int of = ranks;
            beside(use, () -> train(inputs, output, of, 100, 0));
            assertEquals(expected, losses, ranks + " ranks");
            losses.clear();
            assertArrayEquals(parameters(offline), parameters(output), ranks + " ranks");
            assertEquals(use.uses(), RollingStore.at(rolling, conf).position());
            RollingStore.at(rolling, conf).end();
        }
    }

    /** Shards are made on the ranks' own executors: the ranks end and begin again. */
    @Test
    void takesTurnsWithTheCapture() throws Exception {
        Path offline = folder.resolve("offline");
        List<String> expected = offline(offline, 2);
        Path output = folder.resolve("turns");
        StoreInputs inputs = inputs(training(output, true));
        RollingUse use = inputs.use(2);
        RollingStore store = RollingStore.at(rolling, conf);
        store.take(use);
        int turns = 0;
        while (!train(inputs, output, 2, 100, 0).get(0).finished()) {
            fill(store, use);
            assertTrue(store.present().size() <= 3, store.present()::toString);
            turns++;
        }
        assertTrue(turns >= 5, turns + " turns");
        assertEquals(expected, losses);
        assertArrayEquals(parameters(offline), parameters(output));
    }

    /** The training goes back to its checkpoint, and with it to shards that were evicted. */
    @Test
    void goesBackToEvictedShardsWhenItResumes() throws Exception {
        Path offline = folder.resolve("offline");
        List<String> expected = offline(offline, 1);
        Path output = folder.resolve("resumed");
        StoreInputs inputs = inputs(training(output, false));
        RollingUse use = inputs.use(2);
        RollingStore.at(rolling, conf).take(use);
        beside(use, () -> assertThrows(Exception.class, () -> train(inputs, output, 1, 4, 8)));
        RollingStore.at(rolling, conf).take(use);
        beside(use, () -> train(inputs, output, 1, 4, 0));
        // Steps 1 to 7, then again from step 5.
        assertEquals(7 + 12, losses.size());
        assertEquals(expected.subList(0, 7), losses.subList(0, 7));
        assertEquals(expected.subList(4, 16), losses.subList(7, 19));
        assertArrayEquals(parameters(offline), parameters(output));
    }

    @Test
    void oneTrainingAtATime() throws Exception {
        RollingStore store = RollingStore.at(rolling, conf);
        RollingUse first = inputs(training(folder.resolve("first"), false)).use(2);
        RollingUse second = inputs(training(folder.resolve("second"), false)).use(2);
        store.take(first);
        store.take(first);
        store.advance(first.training(), 4);
        InvalidStoreException refused = assertThrows(InvalidStoreException.class, () -> store.take(second));
        assertTrue(refused.getMessage().contains("is rolling for the training " + first.training()
                + ", which is at use 4 of 10 (expected one training at a time"), refused.getMessage());
        store.advance(first.training(), first.uses());
        store.take(second);
        assertEquals(0, store.position());
        assertThrows(InvalidStoreException.class, () -> store.advance(first.training(), 3));
    }

    /** A shard that nobody makes: one sentence with its number, after the time that the recipe gives. */
    @Test
    void waitsNoLongerThanItsPatience() throws Exception {
        Path output = folder.resolve("alone");
        StoreInputs inputs = inputs(new RollingTraining(output.toUri().toString(), false, Duration.ofMillis(700)));
        RollingStore.at(rolling, conf).take(inputs.use(2));
        Exception failure = assertThrows(Exception.class, () -> train(inputs, output, 2, 100, 0));
        StringBuilder all = new StringBuilder();
        for (Throwable t = failure; t != null; t = t.getCause()) {
            all.append(t).append('\n');
        }
        assertTrue(all.toString().contains("Shard 0 was not made within 0 minutes"), all.toString());
    }

    /** Without the recipe's store.rolling, shards that were evicted are missed before any rank starts. */
    @Test
    void aWholeTrainingRefusesAStoreWithEvictedShards() throws Exception {
        StoreInputs inputs = inputs(null);
        RollingStore store = RollingStore.at(whole.uri(), conf);
        store.take(RollingUse.of("file:/other", List.of(0, 1, 2, 3, 4), List.of(5), 1));
        inputs.check(LossMode.STRICT, CorruptChunks.STOP, conf);
        store.evict(3);
        String refused = assertThrows(RuntimeException.class,
                () -> inputs.check(LossMode.STRICT, CorruptChunks.STOP, conf)).getMessage();
        assertTrue(refused.contains("1 of its shards are evicted, shard 3 first (expected store.rolling: true"), refused);
    }
}
