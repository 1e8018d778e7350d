package dev.aerie.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.aerie.draft.DraftConfig;
import dev.aerie.draft.DraftParameters;
import dev.aerie.draft.FrozenTarget;
import dev.aerie.draft.LossMode;
import dev.aerie.gang.GangException;
import dev.aerie.gang.GangSettings;
import dev.aerie.spark.DeviceChoice;
import dev.aerie.spark.TaskResources;
import dev.aerie.store.Part;
import dev.aerie.testing.LocalCluster;
import dev.aerie.torch.DType;
import dev.aerie.torch.DTypeChoice;
import dev.aerie.torch.Device;
import dev.aerie.torch.Optimizer;
import dev.aerie.torch.Scope;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.LongStream;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Ranks in separate executor JVMs. */
@Timeout(300)
class TrainingIT {

    /** 8 conversations, 2 a step, 5 epochs. */
    private static final int STEPS = 20;

    @TempDir
    Path folder;

    private final ByteArrayOutputStream console = new ByteArrayOutputStream();

    private static TrainSettings settings() {
        return new TrainSettings(LossMode.STRICT, 7, new TrainSettings.Batches(new BatchSize.Conversations(2), 40, 5, 0, 11),
                new TrainSettings.Optimization(2e-3, 0, Schedule.CONSTANT, Optimizer.AdamW.withDecay(0), 0.5),
                new TrainSettings.Milestones(3, 2, TrainSettings.Milestones.LAST_STEP_ONLY), DTypeChoice.FLOAT32,
                CorruptChunks.STOP,
                new TaskResources(DeviceChoice.AUTO, 1), new TreeMap<>());
    }

    private TrainedDraft train(TrainingInputs inputs, int ranks, String output) throws IOException {
        Duration minute = Duration.ofMinutes(1);
        // Attempts enough that a failing rank always ends by making no progress: its first attempt may or may not commit a
        // checkpoint.
        GangSettings gang = new GangSettings(ranks, 6, Duration.ofMillis(200), minute, minute, minute);
        return Training.run(LocalCluster.session().sparkContext(), gang, settings(), inputs, folder.resolve(output).toString(),
                new PrintStream(console, true, StandardCharsets.UTF_8));
    }

    private static float[] parameters(TrainedDraft draft) throws IOException {
        try (Scope scope = Scope.open(); DraftParameters parameters = draft.parameters(Device.CPU)) {
            return parameters.flat().toFloats();
        }
    }

    private List<StepMetrics> metrics(String output) throws IOException {
        return Files.readAllLines(folder.resolve(output).resolve("metrics.jsonl")).stream().map(StepMetrics::parse).toList();
    }

    @Test
    void twoExecutorsFollowOne() throws Exception {
        GoldenInputs golden = GoldenInputs.of("eagle3-llama3rope", 8);
        TrainedDraft one = train(golden, 1, "one");
        TrainedDraft two = train(golden, 2, "two");
        assertEquals(STEPS, two.step());
        for (int k = 0; k < STEPS; k++) {
            TrainingStepTest.close(
                    metrics("one").get(k).loss(), metrics("two").get(k).loss(), 1e-5, "loss of step " + (k + 1));
        }
        try (Scope scope = Scope.open(); DraftParameters a = one.parameters(Device.CPU);
                DraftParameters b = two.parameters(Device.CPU)) {
            for (String name : a.names()) {
                TrainingStepTest.near(a.get(name).toFloats(), b.get(name).toFloats(), 1e-4, name);
            }
        }
        assertTrue(console.toString(StandardCharsets.UTF_8).contains("train: step 20 of 20, epoch 5, loss "));
    }

    @Test
    void aKilledExecutorIsReplacedAndTheResultIsTheSameToTheBit() throws Exception {
        GoldenInputs golden = GoldenInputs.of("eagle3-llama3rope", 8);
        float[] expected = parameters(train(golden, 2, "whole"));
        long seed = System.nanoTime();
        // A rank reads one conversation a step.
        int read = 2 + new Random(seed).nextInt(STEPS - 2);
        TrainedDraft killed = train(new KillsOnce(golden, folder.resolve("struck").toString(), read), 2, "killed");
        assertTrue(Files.exists(folder.resolve("struck")), "nobody was killed");
        String said = console.toString(StandardCharsets.UTF_8);
        assertTrue(said.contains("its process ended") && said.contains("starting attempt 2"), said);
        assertArrayEquals(expected, parameters(killed), "killed at read " + read + ", " + said);
        assertEquals(LongStream.rangeClosed(1, STEPS).boxed().toList(),
                metrics("killed").stream().map(StepMetrics::step).toList());
    }

    @Test
    void aRankThatAlwaysFailsEndsTheTrainingAndNamesItself() {
        GoldenInputs golden = GoldenInputs.of("eagle3-llama3rope", 8);
        String message = assertThrows(GangException.class, () -> train(new Fails(golden), 2, "fails")).getMessage();
        assertTrue(message.matches("Training failed: 2 attempts in a row made no progress beyond step \\d+\\. "
                + "Rank [01] at step \\d+: .*disk on fire"), message);
    }

    /** Inputs whose source does something before a read. */
    private interface Disturbed extends TrainingInputs {

        GoldenInputs golden();

        void before(int read, int index);

        @Override
        default Map<String, String> fingerprints() {
            return golden().fingerprints();
        }

        @Override
        default Opened open(Device device, DType compute, Configuration conf) throws IOException {
            Opened opened = golden().open(device, compute, conf);
            AtomicInteger reads = new AtomicInteger();
            HiddenStateSource disturbed = new HiddenStateSource() {
                @Override
                public int[] lengths(Part part) {
                    return opened.source().lengths(part);
                }

                @Override
                public long bytes(Part part, int index) {
                    return opened.source().bytes(part, index);
                }

                @Override
                public Optional<TrainingSample> read(Part part, int index) {
                    before(reads.incrementAndGet(), index);
                    return opened.source().read(part, index);
                }

                @Override
                public void close() {
                    opened.source().close();
                }
            };
            return new OpenedDisturbed(opened, disturbed);
        }
    }

    private record OpenedDisturbed(TrainingInputs.Opened opened, HiddenStateSource source) implements TrainingInputs.Opened {

        @Override
        public DraftConfig draft() {
            return opened.draft();
        }

        @Override
        public FrozenTarget target() {
            return opened.target();
        }

        @Override
        public DraftParameters initial(long seed, Device device) {
            return opened.initial(seed, device);
        }

        @Override
        public void close() {
            opened.close();
        }
    }

    /** Ends the process of the rank that comes first to a certain read. */
    private record KillsOnce(GoldenInputs golden, String flag, int at) implements Disturbed {

        @Override
        public void before(int read, int index) {
            if (read == at) {
                try {
                    Files.createFile(Path.of(flag));
                } catch (FileAlreadyExistsException other) {
                    return;
                } catch (IOException e) {
                    throw new java.io.UncheckedIOException(e);
                }
                Runtime.getRuntime().halt(137);
            }
        }
    }

    /** One conversation cannot be read. */
    private record Fails(GoldenInputs golden) implements Disturbed {

        @Override
        public void before(int read, int index) {
            if (index == 5) {
                throw new IllegalStateException("disk on fire");
            }
        }
    }
}
