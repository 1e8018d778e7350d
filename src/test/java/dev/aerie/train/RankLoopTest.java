package dev.aerie.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.aerie.draft.DraftParameters;
import dev.aerie.draft.LossMode;
import dev.aerie.errors.RefusalException;
import dev.aerie.files.Folder;
import dev.aerie.gang.Collective;
import dev.aerie.gang.ThreadGang;
import dev.aerie.spark.DeviceChoice;
import dev.aerie.spark.TaskResources;
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
import java.util.TreeMap;
import java.util.function.LongConsumer;
import java.util.stream.LongStream;
import java.util.Random;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RankLoopTest {

    /** 8 conversations, 3 a step, 4 epochs. */
    private static final int STEPS = 12;
    private static final int CHECKPOINT_EVERY = 4;

    @TempDir
    Path folder;

    @TempDir
    Path scratch;

    private final List<String> notes = Collections.synchronizedList(new ArrayList<>());

    @BeforeEach
    void oneThread() {
        LibTorch.setThreads(1);
    }

    private static TrainSettings settings(double learningRate) {
        return settings(learningRate, 6);
    }

    private static TrainSettings settings(double learningRate, int heldOutSteps) {
        return new TrainSettings(LossMode.STRICT, 7, new TrainSettings.Batches(new BatchSize.Conversations(3), 40, 4, 0, 11),
                new TrainSettings.Optimization(learningRate, 0.2, Schedule.COSINE, Optimizer.AdamW.withDecay(0.01), 0.5),
                new TrainSettings.Milestones(CHECKPOINT_EVERY, 2, heldOutSteps), DTypeChoice.FLOAT32, CorruptChunks.STOP,
                new TaskResources(DeviceChoice.CPU, 1),
                        new TreeMap<>(Map.of("train.learning_rate", String.valueOf(learningRate))));
    }

    /** Stops every rank by an exception before a step. */
    private static final class Stop extends RuntimeException {}

    /** @param stopBefore a step, counted from 1; 0 for none */
    private void train(Path output, int ranks, TrainSettings settings, long stopBefore) throws Exception {
        GoldenInputs golden = GoldenInputs.of("eagle3-llama3rope", 8);
        ThreadGang.run(ranks, c -> loop(c, golden, settings, output, step -> {
            if (step == stopBefore) {
                throw new Stop();
            }
        }));
    }

    /** @param begins told each step before it is done */
    private Long loop(Collective c, GoldenInputs golden, TrainSettings settings, Path output, LongConsumer begins)
            throws Exception {
        Configuration conf = new Configuration();
        try (TrainingInputs.Opened inputs = golden.open(Device.CPU, DType.F32, conf)) {
            return new RankLoop(c, Device.CPU, 1, settings, inputs, Training.recipe(settings, golden),
                    Folder.at(output.toString(), conf), scratch, new RankLoop.Observer() {
                        @Override
                        public void begins(long step) {
                            begins.accept(step);
                        }

                        @Override
                        public void done(StepMetrics metrics) {}

                        @Override
                        public void skipped(String why) {
                            notes.add(why);
                        }

                        @Override
                        public void note(String text) {
                            if (c.rank() == 0) {
                                notes.add(text);
                            }
                        }
                    }).run().step();
        }
    }

    private static float[] parameters(Path output) throws IOException {
        TrainedDraft draft = TrainedDraft.open(output.toString(), new Configuration());
        try (Scope scope = Scope.open(); DraftParameters parameters = draft.parameters(Device.CPU)) {
            return parameters.flat().toFloats();
        }
    }

    private static List<StepMetrics> metrics(Path output) throws IOException {
        return Files.readAllLines(output.resolve("metrics.jsonl")).stream().map(StepMetrics::parse).toList();
    }

    @Test
    void aKilledTrainingResumesToTheSameBits() throws Exception {
        for (int ranks = 1; ranks <= 2; ranks++) {
            Path whole = folder.resolve("whole" + ranks);
            train(whole, ranks, settings(2e-3), 0);
            float[] expected = parameters(whole);
            long seed = System.nanoTime();
            long stop = 1 + new Random(seed).nextInt(STEPS);
            Path killed = folder.resolve("killed" + ranks);
            int n = ranks;
            assertThrows(Stop.class, () -> train(killed, n, settings(2e-3), stop), "stopped before step " + stop);
            train(killed, ranks, settings(2e-3), 0);
            String what = ranks + " ranks, stopped before step " + stop;
            assertArrayEquals(expected, parameters(killed), what);
            assertEquals(LongStream.rangeClosed(1, STEPS).boxed().toList(),
                    metrics(killed).stream().map(StepMetrics::step).toList(), what);
            for (int k = 0; k < STEPS; k++) {
                assertEquals(metrics(whole).get(k).loss(), metrics(killed).get(k).loss(), what);
                assertEquals(metrics(whole).get(k).gradNorm(), metrics(killed).get(k).gradNorm(), what);
            }
        }
    }

    @Test
    void goesOnWithAnotherNumberOfRanksAndSaysSo() throws Exception {
        Path whole = folder.resolve("whole");
        train(whole, 1, settings(2e-3), 0);
        Path changed = folder.resolve("changed");
        assertThrows(Stop.class, () -> train(changed, 2, settings(2e-3), 6));
        train(changed, 3, settings(2e-3), 0);
        assertEquals(List.of("resuming from step 4 of 12, saved by 2 ranks and now trained by 3"), notes);
        TrainingStepTest.near(parameters(whole), parameters(changed), 1e-4, "parameters");
        for (int k = 0; k < STEPS; k++) {
            TrainingStepTest.close(metrics(whole).get(k).loss(), metrics(changed).get(k).loss(), 1e-5, "loss of step " + (k + 1));
        }
    }

    @Test
    void aFinishedTrainingIsLeftAsItIs() throws Exception {
        train(folder, 1, settings(2e-3), 0);
        float[] before = parameters(folder);
        train(folder, 1, settings(2e-3), 1);
        assertArrayEquals(before, parameters(folder));
        assertEquals(STEPS, metrics(folder).size());
    }

    @Test
    void keepsTheNewestCheckpointsAndNothingElse() throws Exception {
        train(folder, 1, settings(2e-3), 0);
        try (Stream<Path> files = Files.list(folder.resolve("checkpoints"))) {
            List<String> names = files.map(f -> f.getFileName().toString().replaceAll("-[0-9a-f]{8}$", "")).sorted().toList();
            assertEquals(List.of("_committed", "step-00000008", "step-00000012"), names);
        }
        try (Stream<Path> files = Files.list(folder.resolve("checkpoints/_committed"))) {
            assertEquals(List.of("step-00000008.json", "step-00000012.json"),
                    files.map(f -> f.getFileName().toString()).sorted().toList());
        }
        TrainedDraft draft = TrainedDraft.open(folder.toString(), new Configuration());
        assertEquals(STEPS, draft.step());
        assertEquals(96, draft.vocabulary().size());
        assertEquals(64, draft.config().hiddenSize());
    }

    @Test
    void refusesTheCheckpointOfAnotherRecipeAndADamagedOne() throws Exception {
        train(folder, 1, settings(2e-3), 0);
        String message = assertThrows(InvalidCheckpointException.class, () -> train(folder, 1, settings(1e-3), 0)).getMessage();
        assertTrue(message.contains("train.learning_rate was 0.002 (expected 0.001"), message);

        Path committed = folder.resolve("checkpoints/_committed/step-00000012.json");
        String name = Files.readString(committed).replaceAll("(?s).*\"folder\" : \"([^\"]+)\".*", "$1");
        Path damaged = folder.resolve("checkpoints").resolve(name).resolve("exp_avg.safetensors");
        byte[] bytes = Files.readAllBytes(damaged);
        bytes[bytes.length - 7] ^= 1;
        Files.write(damaged, bytes);
        message = assertThrows(InvalidCheckpointException.class, () -> train(folder, 1, settings(2e-3), 0)).getMessage();
        assertTrue(message.contains("exp_avg.safetensors") && message.contains("SHA-256"), message);
    }

    @Test
    void refusesAMarkerThatSomebodyEdited() throws Exception {
        train(folder, 1, settings(2e-3), 0);
        Path marker = folder.resolve("checkpoints/_committed/step-00000012.json");
        String json = Files.readString(marker);
        for (String[] change : new String[][] {
            {"\"step\" : 12", "\"step\" : -4", "step is -4 (expected 12)"},
            {"\"folder\" : \"", "\"folder\" : \"../", "(expected step-<number>-<attempt>)"},
            {"\"ranks\" : 1", "\"ranks\" : 0", "ranks is 0"},
            {"\"recipe\" : \\{[^}]*}", "\"recipe\" : null", "recipe is null"},
        }) {
            Files.writeString(marker, json.replaceFirst(change[0], change[1]));
            String said = assertThrows(InvalidCheckpointException.class, () -> train(folder, 1, settings(2e-3), 0)).getMessage();
            assertTrue(said.contains(change[2]) && said.contains("step-00000012.json"), said);
        }
    }

    @Test
    void theTrainingThatBeganLaterHasTheOutput() throws Exception {
        GoldenInputs golden = GoldenInputs.of("eagle3-llama3rope", 8);
        TrainSettings settings = settings(2e-3);
        train(folder.resolve("alone"), 1, settings, 0);
        Path both = folder.resolve("both");
        boolean[] started = {false};
        RefusalException refused = assertThrows(RefusalException.class,
                () -> ThreadGang.run(1, c -> loop(c, golden, settings, both, step -> {
                    if (step == 6 && !started[0]) {
                        started[0] = true;
                        try {
                            train(both, 1, settings, 0);
                        } catch (Exception e) {
                            throw new IllegalStateException(e);
                        }
                    }
                })));
        assertTrue(refused.getMessage().contains("belongs to a training that began later"), refused.getMessage());
        assertArrayEquals(parameters(folder.resolve("alone")), parameters(both));
        assertEquals(LongStream.rangeClosed(1, STEPS).boxed().toList(), metrics(both).stream().map(StepMetrics::step).toList());
    }

    @Test
    void metricsSayWhatAStepDid() throws Exception {
        train(folder, 1, settings(2e-3), 0);
        List<StepMetrics> all = metrics(folder);
        StepMetrics m = all.get(4);
        assertEquals(5, m.step());
        assertEquals(STEPS, m.totalSteps());
        assertEquals(1, m.epoch());
        assertEquals(7, m.losses().length);
        assertEquals(7, m.accuracy().length);
        assertTrue(m.tokens() > 0 && m.tokensPerSecond() > 0 && m.gradNorm() > 0 && m.learningRate() > 0);
        assertTrue(all.get(0).loss() > all.get(STEPS - 1).loss(), "it does not learn");
    }

    @Test
    void replaysTheHeldOutPartOnAllRanksTogether() throws Exception {
        train(folder.resolve("one"), 1, settings(2e-3), 0);
        train(folder.resolve("two"), 2, settings(2e-3), 0);
        List<StepMetrics> one = metrics(folder.resolve("one"));
        List<StepMetrics> two = metrics(folder.resolve("two"));
        assertEquals(List.of(6L, 12L), one.stream().filter(m -> m.heldOut() != null).map(StepMetrics::step).toList());
        for (int k : new int[] {5, 11}) {
            StepMetrics.HeldOut a = one.get(k).heldOut();
            StepMetrics.HeldOut b = two.get(k).heldOut();
            assertEquals(2, a.conversations());
            assertTrue(a.acceptanceLength() >= 1 && a.acceptanceLength() <= 8, "acceptance length " + a.acceptanceLength());
            assertEquals(a.acceptanceLength(), b.acceptanceLength());
            assertArrayEquals(a.hitRate(), b.hitRate());
        }
    }

    @Test
    void theHeldOutPartIsReplayedAsOftenAsIsAskedAndAtTheEnd() throws Exception {
        Map<Integer, List<Long>> expected = Map.of(0, List.of(), 5, List.of(5L, 10L, 12L), 100, List.of(12L));
        for (int every : expected.keySet()) {
            Path output = folder.resolve("every" + every);
            train(output, 1, settings(2e-3, every), 0);
            assertEquals(STEPS, metrics(output).size());
            assertEquals(expected.get(every), metrics(output).stream().filter(m -> m.heldOut() != null).map(StepMetrics::step)
                    .toList(), "train.held_out_every_steps " + every);
        }
    }

    @Test
    void nativeMemoryIsGivenBackAfterEveryStep() throws Exception {
        List<Long> live = new ArrayList<>();
        long before = Scope.liveTensors();
        GoldenInputs golden = GoldenInputs.of("eagle3-llama3rope", 8);
        Configuration conf = new Configuration();
        TrainSettings s = settings(2e-3);
        ThreadGang.run(1, c -> {
            try (TrainingInputs.Opened inputs = golden.open(Device.CPU, DType.F32, conf)) {
                return new RankLoop(c, Device.CPU, 1, s, inputs, Map.of(), Folder.at(folder.toString(), conf), scratch,
                        new RankLoop.Observer() {
                            @Override
                            public void begins(long step) {
                                live.add(Scope.liveTensors());
                            }

                            @Override
                            public void done(StepMetrics metrics) {}

                            @Override
                            public void skipped(String why) {}

                            @Override
                            public void note(String text) {}
                        }).run();
            }
        });
        // Tables of rotary embeddings are made in the first step and in the first replay, and stay.
        assertEquals(1, live.subList(7, STEPS).stream().distinct().count(), "live tensors at the start of each step: " + live);
        assertEquals(before, Scope.liveTensors());
    }
}
