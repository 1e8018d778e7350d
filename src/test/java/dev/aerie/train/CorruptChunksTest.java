package dev.aerie.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.aerie.draft.DraftConfig;
import dev.aerie.draft.DraftParameters;
import dev.aerie.draft.FrozenTarget;
import dev.aerie.draft.LossMode;
import dev.aerie.files.Folder;
import dev.aerie.gang.ThreadGang;
import dev.aerie.spark.DeviceChoice;
import dev.aerie.spark.TaskResources;
import dev.aerie.store.Codec;
import dev.aerie.store.CommittedShard;
import dev.aerie.store.Container;
import dev.aerie.store.CorruptChunkException;
import dev.aerie.store.Fingerprints;
import dev.aerie.store.HiddenStateStore;
import dev.aerie.store.InvalidStoreException;
import dev.aerie.store.Part;
import dev.aerie.store.PlannedCounts;
import dev.aerie.store.ShardWriter;
import dev.aerie.store.StateLayout;
import dev.aerie.store.StateSelection;
import dev.aerie.store.StorePlan;
import dev.aerie.store.StoreSettings;
import dev.aerie.store.StoreShards;
import dev.aerie.store.TeacherRows;
import dev.aerie.torch.DType;
import dev.aerie.torch.DTypeChoice;
import dev.aerie.torch.Device;
import dev.aerie.torch.LibTorch;
import dev.aerie.torch.Optimizer;
import dev.aerie.torch.Scope;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.ThreadLocalRandom;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What a training makes of bytes that changed in a store. */
class CorruptChunksTest {

    private static final List<Integer> LAYERS = List.of(1, 2, 3);
    private static final int CONVERSATIONS = 6;
    /** 3 of a step, 3 epochs. */
    private static final int STEPS = 6;

    @TempDir
    Path folder;

    private final long seed = ThreadLocalRandom.current().nextLong();
    private final Configuration conf = new Configuration();
    private final List<String> skips = Collections.synchronizedList(new ArrayList<>());

    @BeforeEach
    void oneThread() {
        LibTorch.setThreads(1);
    }

    /** The conversations of a golden draft in a store of one shard. */
    private HiddenStateStore store(Path at, Container container, List<MemorySource.Held> samples) throws IOException {
        String none = "0".repeat(64);
        int hidden = samples.get(0).lastValues().length / samples.get(0).sequence().length();
        StoreSettings settings = StoreSettings.of(new Fingerprints(none, none, none, none, none),
                new StateLayout(hidden, LAYERS, TeacherRows.ALL, Codec.of("f32"), container),
                new PlannedCounts(1, samples.size(), 0, 100));
        HiddenStateStore store = HiddenStateStore.create(at.toString(), conf, settings);
        try (ShardWriter writer = store.writer(0); Scope scope = Scope.open()) {
            for (MemorySource.Held sample : samples) {
                writer.write(sample.id(), Part.TRAIN, sample.sequence(), sample.aux(), sample.teacherStates());
            }
            writer.commit();
        }
        return store.complete();
    }

    private List<MemorySource.Held> golden() throws IOException {
        List<MemorySource.Held> samples = new ArrayList<>();
        GoldenInputs golden = GoldenInputs.of("eagle3-llama3rope", CONVERSATIONS);
        try (TrainingInputs.Opened inputs = golden.open(Device.CPU, DType.F32, conf)) {
            for (int i = 0; i < CONVERSATIONS; i++) {
                MemorySource.Held held = (MemorySource.Held) inputs.source().read(Part.TRAIN, i).orElseThrow();
                samples.add(new MemorySource.Held("c" + i, held.sequence(), held.auxValues(), held.lastValues()));
            }
        }
        return samples;
    }

    private static StoreSource source(Path store) throws IOException {
        Configuration conf = new Configuration();
        ShardedPlan plan = ShardedPlan.of(StorePlan.of(HiddenStateStore.open(store.toString(), conf), null));
        return new StoreSource(StoreShards.of(store.toString(), conf), plan, new StateSelection(LAYERS, true));
    }

    private static Path file(Path store, HiddenStateStore opened) {
        CommittedShard shard = opened.shards().get(0);
        return store.resolve("shards").resolve(shard.file());
    }

    private static void flip(Path file, int at) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        bytes[at] ^= 0x10;
        // Not in place: the file that was there may be mapped.
        Path other = file.resolveSibling("other");
        Files.write(other, bytes);
        Files.move(other, file, java.nio.file.StandardCopyOption.REPLACE_EXISTING);
    }

    /** Wherever a byte changes: a conversation is read as it was written, or said to be corrupt. */
    @ParameterizedTest
    @EnumSource
    void aChangedByteAnywhereIsSeen(Container container) throws IOException {
        Random random = new Random(seed);
        List<MemorySource.Held> samples = golden();
        HiddenStateStore store = store(folder, container, samples);
        Path file = file(folder, store);
        byte[] sound = Files.readAllBytes(file);
        int corrupt = 0;
        for (int flips = 0; flips < 60; flips++) {
            int at = random.nextInt(sound.length);
            Files.deleteIfExists(file);
            Files.write(file, sound);
            flip(file, at);
            int inShard = 0;
            try (HiddenStateSource source = source(folder)) {
                for (int i = 0; i < samples.size(); i++) {
                    String where = "byte " + at + " of " + sound.length + ", conversation " + i + ", seed " + seed;
                    try (TrainingSample read = source.read(Part.TRAIN, i).orElseThrow()) {
                        assertArrayEquals(samples.get(i).sequence().inputIds(), read.sequence().inputIds(), where);
                        assertArrayEquals(samples.get(i).sequence().lossMask(), read.sequence().lossMask(), where);
                        assertArrayEquals(samples.get(i).auxValues(), read.aux().toFloats(), where);
                        assertArrayEquals(samples.get(i).lastValues(), read.teacherStates().toFloats(), where);
                    } catch (CorruptChunkException e) {
                        assertTrue(e.getMessage().startsWith("Invalid shard ") && e.getMessage().contains("conversation c" + i),
                                e.getMessage());
                        inShard++;
                    }
                }
            }
            corrupt += Math.min(1, inShard);
        }
        assertTrue(corrupt > 30, corrupt + " of 60 flips were seen, seed " + seed);
    }

    /** What is damaged on the way is read again; a file that is not there is not corrupt. */
    @ParameterizedTest
    @EnumSource
    void onlyAFileThatIsNotAsCommittedIsCorrupt(Container container) throws IOException {
        HiddenStateStore store = store(folder, container, golden());
        Path file = file(folder, store);
        byte[] sound = Files.readAllBytes(file);
        try (HiddenStateSource source = source(folder)) {
            flip(file, sound.length / 2);
            assertThrows(CorruptChunkException.class, () -> {
                for (int i = 0; i < CONVERSATIONS; i++) {
                    source.read(Part.TRAIN, i).orElseThrow().close();
                }
            });
        }
        try (HiddenStateSource source = source(folder)) {
            Files.delete(file);
            InvalidStoreException missing = assertThrows(InvalidStoreException.class, () -> source.read(Part.TRAIN, 0));
            assertFalse(missing instanceof CorruptChunkException, missing.getMessage());
            Files.write(file, java.util.Arrays.copyOf(sound, sound.length - 9));
            assertThrows(CorruptChunkException.class, () -> source.read(Part.TRAIN, 0));
        }
    }

    /** A golden draft whose states come from a store. */
    private record Stored(GoldenInputs golden, Path store) implements TrainingInputs {

        @Override
        public Map<String, String> fingerprints() {
            return Map.of();
        }

        @Override
        public Opened open(Device device, DType compute, Configuration conf) throws IOException {
            Opened inputs = golden.open(device, compute, conf);
            HiddenStateSource source = source(store);
            return new Opened() {
                @Override
                public DraftConfig draft() {
                    return inputs.draft();
                }

                @Override
                public FrozenTarget target() {
                    return inputs.target();
                }

                @Override
                public HiddenStateSource source() {
                    return source;
                }

                @Override
                public DraftParameters initial(long seed, Device device) {
                    return inputs.initial(seed, device);
                }

                @Override
                public void close() {
                    source.close();
                    inputs.close();
                }
            };
        }
    }

    private static TrainSettings settings(LossMode mode, CorruptChunks corrupt) {
        return new TrainSettings(mode, 7, new TrainSettings.Batches(new BatchSize.Conversations(3), 40, 3, 0, 11),
                new TrainSettings.Optimization(2e-3, 0.2, Schedule.COSINE, Optimizer.AdamW.withDecay(0.01), 0.5),
                new TrainSettings.Milestones(2, 2, 0), DTypeChoice.FLOAT32, corrupt, new TaskResources(DeviceChoice.CPU, 1),
                new TreeMap<>(Map.of("train.mode", mode.name())));
    }

    private List<StepMetrics> train(Path store, Path output, int ranks, TrainSettings settings) throws Exception {
        Stored inputs = new Stored(GoldenInputs.of("eagle3-llama3rope", 2), store);
        Path scratch = Files.createDirectories(folder.resolve("scratch"));
        ThreadGang.run(ranks, c -> {
            try (TrainingInputs.Opened opened = inputs.open(Device.CPU, DType.F32, conf)) {
                return new RankLoop(c, Device.CPU, 1, settings, opened, Training.recipe(settings, inputs),
                        Folder.at(output.toString(), conf), scratch, new RankLoop.Observer() {
                            @Override
                            public void begins(long step) {}

                            @Override
                            public void done(StepMetrics metrics) {}

                            @Override
                            public void note(String text) {}

                            @Override
                            public void skipped(String why) {
                                skips.add(why);
                            }
                        }).run();
            }
        });
        return metrics(output);
    }

    private static List<StepMetrics> metrics(Path output) throws IOException {
        return Files.readAllLines(output.resolve("metrics.jsonl")).stream().map(StepMetrics::parse).toList();
    }

    /** Flips a byte of one conversation's states: all others are still read. */
    private void damageOne(Container container, Path at) throws IOException {
        HiddenStateStore store = store(at, container, golden());
        Path file = file(at, store);
        byte[] sound = Files.readAllBytes(file);
        for (int byteAt = sound.length / 3;; byteAt += 101) {
            flip(file, byteAt);
            if (unreadable(at) == 1) {
                return;
            }
            Files.delete(file);
            Files.write(file, sound);
        }
    }

    private int unreadable(Path at) throws IOException {
        int unreadable = 0;
        try (HiddenStateSource source = source(at)) {
            for (int i = 0; i < CONVERSATIONS; i++) {
                try {
                    source.read(Part.TRAIN, i).orElseThrow().close();
                } catch (CorruptChunkException e) {
                    unreadable++;
                }
            }
        }
        return unreadable;
    }

    @ParameterizedTest
    @EnumSource
    void aTrainingStopsOrGoesOnWithoutTheConversation(Container container) throws Exception {
        Path store = folder.resolve("store");
        damageOne(container, store);
        Path output = folder.resolve("output");
        assertThrows(CorruptChunkException.class, () -> train(store, output, 1, settings(LossMode.STRICT, CorruptChunks.STOP)));
        // The training that stopped goes on when it is told to, on any number of ranks.
        List<StepMetrics> two = train(store, output, 2, settings(LossMode.STRICT, CorruptChunks.SKIP));
        assertEquals(STEPS, two.size());
        assertTrue(skips.size() >= 1 && skips.stream().allMatch(s -> s.contains("corrupt chunk")), skips::toString);
        skips.clear();
        List<StepMetrics> one = train(store, folder.resolve("one"), 1, settings(LossMode.STRICT, CorruptChunks.SKIP));
        assertEquals(3, skips.size(), "once in each epoch");
        assertEquals(3, one.stream().mapToLong(StepMetrics::skipped).sum());
        for (int k = 0; k < STEPS; k++) {
            assertEquals(one.get(k).skipped(), two.get(k).skipped());
            assertEquals(one.get(k).tokens(), two.get(k).tokens());
            assertArrayEquals(one.get(k).lossRows(), two.get(k).lossRows(), "the ranks agree on step " + (k + 1));
            TrainingStepTest.close(one.get(k).loss(), two.get(k).loss(), 1e-5, container + ", loss of step " + (k + 1));
        }
    }

    /** Nothing at all is left of a share, or of a step: the ranks still meet. */
    @ParameterizedTest
    @EnumSource
    void stepsOfWhichNothingIsLeftArePassed(LossMode mode) throws Exception {
        Path store = folder.resolve("store");
        HiddenStateStore made = store(store, Container.ARROW, golden());
        Path file = file(store, made);
        byte[] bytes = Files.readAllBytes(file);
        Files.delete(file);
        Files.write(file, java.util.Arrays.copyOf(bytes, bytes.length - 1));
        List<StepMetrics> all = train(store, folder.resolve("output"), 3, settings(mode, CorruptChunks.SKIP));
        assertEquals(STEPS, all.size());
        assertEquals(3L * CONVERSATIONS, all.stream().mapToLong(StepMetrics::skipped).sum());
        assertTrue(all.stream().allMatch(m -> m.loss() == 0 && m.tokens() == 0), all::toString);
    }

    /** Shares some of which turn out to be empty when they are read. */
    private interface Shares {
        List<List<TrainingSample>> of(int rank, List<MemorySource.Held> all);
    }

    /** A step that left conversations out is the step of the others. */
    @ParameterizedTest
    @EnumSource
    void whatIsLeftOutIsInNoMean(LossMode mode) throws Exception {
        List<MemorySource.Held> all = golden();
        int[] planned = {60, 50, 40};
        double[] lacking = step(mode, 3, 3, planned, (rank, of) -> switch (rank) {
            case 0 -> List.of(List.of(of.get(0)), List.of());
            case 1 -> List.of(List.of());
            default -> List.of(List.of(), List.of(of.get(1)), List.of(of.get(2)), List.of());
        }, all);
        int[] exact = {tokens(all.get(0)), 0, tokens(all.get(1)) + tokens(all.get(2))};
        double[] alone = step(mode, 3, 2, exact, (rank, of) -> switch (rank) {
            case 0 -> List.of(List.of(of.get(0)));
            case 1 -> List.of();
            default -> List.of(List.of(of.get(1)), List.of(of.get(2)));
        }, all);
        for (int i = 0; i < alone.length; i++) {
            TrainingStepTest.close(alone[i], lacking[i], 1e-6, mode + ", value " + i);
        }
    }

    private static int tokens(TrainingSample sample) {
        return sample.sequence().length();
    }

    /** Returns loss, norm of the gradient and tokens. */
    private double[] step(LossMode mode, int ranks, int busy, int[] planned, Shares shares, List<MemorySource.Held> all)
            throws Exception {
        Path scratch = Files.createDirectories(folder.resolve("scratch"));
        return ThreadGang.run(ranks, c -> {
            try (Scope scope = Scope.open();
                    TrainingInputs.Opened inputs = GoldenInputs.of("eagle3-llama3rope", 2).open(Device.CPU, DType.F32, conf);
                    DraftParameters parameters = inputs.initial(0, Device.CPU);
                    TrainingStep training = new TrainingStep(c, settings(mode, CorruptChunks.SKIP), parameters, inputs.target(),
                            DType.F32, scratch)) {
                TrainingStep.Result result =
                        training.run(share(planned[c.rank()], shares.of(c.rank(), all)), busy, 1, 1e-3);
                return new double[] {result.totalLoss(), result.gradNorm(), result.tokens()};
            }
        }).get(0);
    }

    private static RankShare share(int plannedTokens, List<List<TrainingSample>> read) {
        RankShare whole = RankShare.of(read.stream().map(MicroBatch::new).toList());
        return new RankShare() {
            @Override
            public int microBatches() {
                return whole.microBatches();
            }

            @Override
            public long tokens() {
                return plannedTokens;
            }

            @Override
            public MicroBatch next() throws InterruptedException {
                return whole.next();
            }
        };
    }

    /** What was read ahead and never used gives its memory back, as does what was used. */
    @Test
    void memoryIsGivenBack() throws Exception {
        store(folder, Container.PARQUET, golden());
        long before = Scope.liveTensors();
        try (HiddenStateSource source = source(folder)) {
            ReadAhead reading = new ReadAhead(source, Part.TRAIN,
                    java.util.stream.IntStream.range(0, CONVERSATIONS).iterator(), CorruptChunks.STOP, why -> {});
            reading.next().orElseThrow().close();
            reading.close();
        }
        long deadline = System.nanoTime() + 60_000_000_000L;
        while (Scope.liveTensors() != before) {
            assertTrue(System.nanoTime() < deadline, Scope.liveTensors() + " tensors, " + before + " before");
            Thread.onSpinWait();
        }
    }
}
