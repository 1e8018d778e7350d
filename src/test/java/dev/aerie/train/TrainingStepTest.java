package dev.aerie.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.aerie.draft.DraftLayout;
import dev.aerie.draft.DraftParameters;
import dev.aerie.draft.LossMode;
import dev.aerie.gang.Collective;
import dev.aerie.gang.SoloCollective;
import dev.aerie.gang.ThreadGang;
import dev.aerie.safetensors.SafetensorsFile;
import dev.aerie.spark.DeviceChoice;
import dev.aerie.spark.TaskResources;
import dev.aerie.store.Part;
import dev.aerie.torch.DType;
import dev.aerie.torch.DTypeChoice;
import dev.aerie.torch.Device;
import dev.aerie.torch.LibTorch;
import dev.aerie.torch.Optimizer;
import dev.aerie.torch.Scope;
import java.lang.ref.WeakReference;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class TrainingStepTest {

    private static final int STEPS = 20;
    private static final double RATE = 0.002;

    @TempDir
    Path scratch;

    @BeforeEach
    void oneThread() {
        LibTorch.setThreads(1);
    }

    private static TrainSettings settings(LossMode mode) {
        return new TrainSettings(mode, 7, new TrainSettings.Batches(new BatchSize.Conversations(1), 1 << 20, 1, 0, 0),
                new TrainSettings.Optimization(RATE, 0, Schedule.CONSTANT, Optimizer.AdamW.withDecay(0), 0.5),
                new TrainSettings.Milestones(1, 1, 0), DTypeChoice.FLOAT32, CorruptChunks.STOP,
                new TaskResources(DeviceChoice.CPU, 1),
                new TreeMap<>());
    }

    @ParameterizedTest
    @ValueSource(strings = {"eagle3-llama3rope", "eagle3"})
    void followsSpecForgeFor20Steps(String name) throws Exception {
        GoldenInputs golden = GoldenInputs.of(name, 2);
        JsonNode expected = golden.json().path("trajectory").path("total_loss_and_grad_norm");
        assertEquals(STEPS, expected.size());
        try (Scope scope = Scope.open();
                Collective solo = new SoloCollective();
                TrainingInputs.Opened inputs = golden.open(Device.CPU, DType.F32, new Configuration());
                DraftParameters parameters = inputs.initial(0, Device.CPU);
                TrainingStep training =
                        new TrainingStep(solo, settings(LossMode.SPECFORGE), parameters, inputs.target(), DType.F32, scratch)) {
            for (int k = 0; k < STEPS; k++) {
                MicroBatch sample = new MicroBatch(List.of(inputs.source().read(Part.TRAIN, k % 2).orElseThrow()));
                TrainingStep.Result result = training.run(RankShare.of(List.of(sample)), 1, k + 1, RATE);
                close(expected.get(k).get(0).asDouble(), result.totalLoss(), 1e-4, name + " loss of step " + k);
                close(expected.get(k).get(1).asDouble(), result.gradNorm(), 1e-4, name + " gradient norm of step " + k);
            }
            try (SafetensorsFile file = golden.tensors()) {
                for (DraftLayout.Entry e : parameters.layout().entries()) {
                    near(file.tensor("final." + e.name()).toFloats(), parameters.get(e.name()).toFloats(), 1e-4,
                            name + " " + e.name());
                }
            }
        }
    }

    @Test
    void twoRanksAndMicroBatchesFollowOneRank() throws Exception {
        Run one = ThreadGang.run(1, c -> train(c, 2, (rank, all) -> List.of(new MicroBatch(all)))).get(0);
        Run split = ThreadGang.run(1, c -> train(c, 2, (rank, all) -> all.stream().map(TrainingStepTest::alone).toList())).get(0);
        List<Run> two = ThreadGang.run(2, c -> train(c, 2, (rank, all) -> List.of(alone(all.get(rank)))));
        same(one, split, "micro-batches");
        for (Run rank : two) {
            same(one, rank, "two ranks");
        }
        for (int p = 0; p < one.parameters.size(); p++) {
            assertArrayEquals(two.get(0).parameters.get(p), two.get(1).parameters.get(p));
        }
    }

    /**
     * One rank's only conversation carries no loss, one has none at all, one only such that have no states, and one has two of
     * unequal lengths and another without states between them.
     */
    @Test
    void ranksWithoutLossCountForNothing() throws Exception {
        Run one = ThreadGang.run(1, c -> train(c, 3, (rank, all) -> List.of(new MicroBatch(all)))).get(0);
        MicroBatch empty = new MicroBatch(List.of());
        List<Run> five = ThreadGang.run(5, c -> train(c, 3, (rank, all) -> switch (rank) {
            case 0 -> List.of(alone(silent(all.get(1))));
            case 1 -> List.of(alone(all.get(1)));
            case 2 -> List.of(alone(all.get(0)), empty, alone(all.get(2)));
            case 3 -> List.of(empty);
            default -> List.of();
        }));
        for (Run rank : five) {
            same(one, rank, "five ranks");
        }
    }

    /** Each of SpecForge's ranks takes the mean over its own rows, and means count the same; an idle rank has none. */
    @Test
    void busyRanksCountTheSameInSpecForgesMode() throws Exception {
        JsonNode samples = GoldenInputs.of("eagle3-llama3rope", 2).json().path("samples");
        double expected = (samples.path(0).path("total").asDouble() + samples.path(1).path("total").asDouble()) / 2;
        List<Double> losses = ThreadGang.run(3, c -> {
            try (Scope scope = Scope.open();
                    TrainingInputs.Opened inputs =
                            GoldenInputs.of("eagle3-llama3rope", 2).open(Device.CPU, DType.F32, new Configuration());
                    DraftParameters parameters = inputs.initial(0, Device.CPU);
                    TrainingStep training =
                            new TrainingStep(c, settings(LossMode.SPECFORGE), parameters, inputs.target(), DType.F32, scratch)) {
                List<MicroBatch> mine = c.rank() == 1 ? List.of()
                        : List.of(alone(inputs.source().read(Part.TRAIN, c.rank() / 2).orElseThrow()));
                return training.run(RankShare.of(mine), 2, 1, RATE).totalLoss();
            }
        });
        for (double loss : losses) {
            close(expected, loss, 1e-5, "loss");
        }
    }

    /** However many micro-batches a step has, those before the newest are neither on the heap nor in native memory. */
    @ParameterizedTest
    @EnumSource
    void aStepHoldsOneMicroBatchAtATime(LossMode mode) throws Exception {
        int count = 6;
        List<Long> live = new ArrayList<>();
        List<WeakReference<Object>> read = new ArrayList<>();
        try (Scope scope = Scope.open();
                Collective solo = new SoloCollective();
                TrainingInputs.Opened inputs = GoldenInputs.of("eagle3-llama3rope", 2)
                        .open(Device.CPU, DType.F32, new Configuration());
                DraftParameters parameters = inputs.initial(0, Device.CPU);
                TrainingStep training = new TrainingStep(solo, settings(mode), parameters, inputs.target(), DType.F32, scratch)) {
            RankShare share = new RankShare() {
                @Override
                public int microBatches() {
                    return count;
                }

                @Override
                public long tokens() {
                    return (long) count * inputs.source().lengths(Part.TRAIN)[0];
                }

                @Override
                public MicroBatch next() {
                    System.gc();
                    live.add(Scope.liveTensors());
                    assertEquals(0, read.stream().filter(r -> r.get() != null).count(), "conversations still held");
                    MemorySource.Held held = (MemorySource.Held) inputs.source().read(Part.TRAIN, 0).orElseThrow();
                    MemorySource.Held copy = MemorySource.cut(held, "copy", held.sequence().length());
                    read.add(new WeakReference<>(copy.auxValues()));
                    return alone(copy);
                }
            };
            TrainingStep.Result result = training.run(share, 1, 1, RATE);
            assertTrue(result.totalLoss() > 0);
            assertEquals(count, read.size(), "each is read once");
            // Tables of rotary embeddings come with the first.
            assertTrue(live.subList(1, count).stream().distinct().count() == 1, "live tensors before each: " + live);
        }
        assertEquals(0, scratch.toFile().list().length, "files left");
    }

    @Test
    void aStepThatFailsLeavesNothingBehind() throws Exception {
        long before = Scope.liveTensors();
        try (Scope scope = Scope.open();
                Collective solo = new SoloCollective();
                TrainingInputs.Opened inputs = GoldenInputs.of("eagle3-llama3rope", 2)
                        .open(Device.CPU, DType.F32, new Configuration());
                DraftParameters parameters = inputs.initial(0, Device.CPU);
                TrainingStep training =
                        new TrainingStep(solo, settings(LossMode.STRICT), parameters, inputs.target(), DType.F32, scratch)) {
            MicroBatch good = alone(inputs.source().read(Part.TRAIN, 0).orElseThrow());
            RankShare share = new RankShare() {
                private int read;

                @Override
                public int microBatches() {
                    return 4;
                }

                @Override
                public long tokens() {
                    return 4L * good.tokens();
                }

                @Override
                public MicroBatch next() {
                    if (read++ == 2) {
                        throw new IllegalStateException("damaged");
                    }
                    return good;
                }
            };
            assertThrows(IllegalStateException.class, () -> training.run(share, 1, 1, RATE));
            assertEquals(0, scratch.toFile().list().length, "files left");
        }
        assertEquals(before, Scope.liveTensors());
    }

    /** The optimizer is made last; before it there are the gradient and the vocabulary on the device. */
    @Test
    void aStepThatCannotBeMadeGivesBackWhatItHad() throws Exception {
        Collective failing = (Collective) Proxy.newProxyInstance(Collective.class.getClassLoader(),
                new Class<?>[] {Collective.class}, (proxy, method, arguments) -> {
                    throw new OutOfMemoryError(method.getName() + " in a test");
                });
        try (Scope scope = Scope.open();
                TrainingInputs.Opened inputs =
                        GoldenInputs.of("eagle3-llama3rope", 2).open(Device.CPU, DType.F32, new Configuration());
                DraftParameters parameters = inputs.initial(0, Device.CPU)) {
            long before = Scope.liveTensors();
            assertThrows(OutOfMemoryError.class, () -> new TrainingStep(
                    failing, settings(LossMode.STRICT), parameters, inputs.target(), DType.F32, scratch));
            assertEquals(before, Scope.liveTensors());
        }
    }

    private static MicroBatch alone(TrainingSample conversation) {
        return new MicroBatch(List.of(conversation));
    }

    /** The same without a supervised token. */
    private static TrainingSample silent(TrainingSample c) {
        MemorySource.Held held = (MemorySource.Held) c;
        return new MemorySource.Held("silent", held.sequence().inputIds(),
                new boolean[held.sequence().length()], held.auxValues(), held.lastValues());
    }

    /** What a rank trains on in every step. */
    private interface Shares {
        List<MicroBatch> of(int rank, List<TrainingSample> all);
    }

    private record Run(double[] losses, List<String> names, List<float[]> parameters) {}

    private Run train(Collective collective, int conversations, Shares shares) throws Exception {
        GoldenInputs golden = GoldenInputs.of("eagle3-llama3rope", conversations);
        double[] losses = new double[STEPS];
        try (Scope scope = Scope.open();
                TrainingInputs.Opened inputs = golden.open(Device.CPU, DType.F32, new Configuration());
                DraftParameters parameters = inputs.initial(0, Device.CPU);
                TrainingStep training =
                        new TrainingStep(collective, settings(LossMode.STRICT), parameters, inputs.target(), DType.F32,
                                scratch)) {
            List<TrainingSample> all = new ArrayList<>();
            for (int c = 0; c < conversations; c++) {
                all.add(inputs.source().read(Part.TRAIN, c).orElseThrow());
            }
            List<MicroBatch> mine = shares.of(collective.rank(), all);
            for (int k = 0; k < STEPS; k++) {
                losses[k] = training.run(RankShare.of(mine), collective.size(), k + 1, RATE).totalLoss();
            }
            List<float[]> out = new ArrayList<>();
            parameters.names().forEach(n -> out.add(parameters.get(n).toFloats()));
            return new Run(losses, parameters.names(), out);
        }
    }

    private static void same(Run expected, Run actual, String what) {
        assertTrue(expected.losses[0] > expected.losses[STEPS - 1], "it does not learn");
        for (int k = 0; k < STEPS; k++) {
            close(expected.losses[k], actual.losses[k], 1e-5, what + ": loss of step " + k);
        }
        for (int p = 0; p < expected.parameters.size(); p++) {
            near(expected.parameters.get(p), actual.parameters.get(p), 1e-4, what + ": " + expected.names.get(p));
        }
    }

    static void close(double expected, double actual, double tolerance, String what) {
        assertTrue(Math.abs(actual - expected) <= tolerance * Math.abs(expected),
                what + ": " + actual + ", expected " + expected);
    }

    /** Relative L2 distance. */
    static void near(float[] expected, float[] actual, double tolerance, String what) {
        double difference = 0;
        double size = 0;
        for (int i = 0; i < expected.length; i++) {
            difference += Math.pow((double) expected[i] - actual[i], 2);
            size += Math.pow(expected[i], 2);
        }
        assertTrue(Math.sqrt(difference) <= tolerance * Math.sqrt(size),
                what + ": relative distance " + Math.sqrt(difference / size) + " (at most " + tolerance + ")");
    }
}
