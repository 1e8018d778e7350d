package dev.aerie.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.aerie.draft.DraftConfig;
import dev.aerie.draft.LossMode;
import dev.aerie.errors.RefusalException;
import dev.aerie.spark.DeviceChoice;
import dev.aerie.spark.TaskResources;
import dev.aerie.host.HostModel;
import dev.aerie.store.Codec;
import dev.aerie.store.Container;
import dev.aerie.store.Fingerprints;
import dev.aerie.store.HiddenStateStore;
import dev.aerie.store.Part;
import dev.aerie.store.PlannedCounts;
import dev.aerie.store.ShardWriter;
import dev.aerie.store.StateLayout;
import dev.aerie.store.StoreSettings;
import dev.aerie.store.TeacherRows;
import dev.aerie.target.spec.Rope;
import dev.aerie.text.DraftVocabulary;
import dev.aerie.text.TokenSequence;
import dev.aerie.torch.DType;
import dev.aerie.torch.DTypeChoice;
import dev.aerie.torch.Device;
import dev.aerie.torch.Optimizer;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StoreInputsTest {

    private static final Path TARGET = Path.of("src", "test", "resources", "dev", "aerie", "target", "llama3-two-layers");
    private static final int HIDDEN = 64;
    private static final int VOCABULARY = 320;
    private static final List<Integer> LAYERS = List.of(0, 1, 2);

    @TempDir
    Path folder;

    private final Configuration conf = new Configuration();

    private HiddenStateStore store(List<Integer> layers) throws IOException {
        return store(layers, TeacherRows.STRICT, 4, 5, 6);
    }

    /** @param supervised tokens of its only conversation */
    private HiddenStateStore store(List<Integer> layers, TeacherRows rows, int... supervised) throws IOException {
        boolean[] lossMask = new boolean[10];
        for (int token : supervised) {
            lossMask[token] = true;
        }
        StoreSettings settings = StoreSettings.of(
                new Fingerprints("a".repeat(64), "b".repeat(64), "c".repeat(64), "d".repeat(64), "e".repeat(64)),
                new StateLayout(HIDDEN, layers, rows, Codec.of("bf16"), Container.PARQUET), new PlannedCounts(1, 1, 0, 10));
        HiddenStateStore store = HiddenStateStore.create(folder.toString(), conf, settings);
        try (ShardWriter writer = store.writer(0); Scope scope = Scope.open()) {
            writer.write("one", Part.TRAIN, new TokenSequence(new Random(1).ints(10, 0, VOCABULARY).toArray(), lossMask),
                    Tensor.randomNormal(1, 1, 10, (long) layers.size() * HIDDEN), Tensor.randomNormal(2, 1, 10, HIDDEN));
            writer.commit();
        }
        return store.complete();
    }

    private static DraftConfig draft(int targetHidden) {
        return new DraftConfig(HIDDEN, 96, 4, 2, 16, targetHidden, VOCABULARY, 3, 1e-5, 256, new Rope.Default(10_000), List.of(),
                null, List.of(), null);
    }

    private static StoreInputs inputs(HiddenStateStore store, int targetHidden) {
        return new StoreInputs(store, LAYERS, HostModel.at(TARGET), draft(targetHidden),
                new DraftVocabulary(VOCABULARY, new int[] {1, 5, 9}));
    }

    @Test
    void opensOnAnotherMachineWhatTheDriverDescribed() throws Exception {
        StoreInputs made = inputs(store(LAYERS), HIDDEN);
        made.check(LossMode.STRICT, CorruptChunks.STOP, conf);
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
            out.writeObject(made);
        }
        TrainingInputs sent;
        try (ObjectInputStream in = new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
            sent = (TrainingInputs) in.readObject();
        }
        assertEquals(made.fingerprints(), sent.fingerprints());
        long before = Scope.liveTensors();
        try (TrainingInputs.Opened opened = sent.open(Device.CPU, DType.F32, conf)) {
            assertEquals(draft(HIDDEN).toJson(), opened.draft().toJson());
            assertEquals(VOCABULARY, opened.target().lmHead().size(0));
            assertArrayEquals(new int[] {1, 5, 9}, opened.target().vocabulary().ids());
            assertArrayEquals(new int[] {10}, opened.source().lengths(Part.TRAIN));
        }
        assertEquals(before, Scope.liveTensors());
    }

    @Test
    void aSubsetIsPartOfWhatATrainingIsMadeFrom() throws Exception {
        HiddenStateStore store = store(LAYERS);
        DraftVocabulary vocabulary = new DraftVocabulary(VOCABULARY, new int[] {1, 5, 9});
        StoreInputs some = new StoreInputs(store, LAYERS, HostModel.at(TARGET), draft(HIDDEN), vocabulary, Set.of("one"));
        StoreInputs none = new StoreInputs(store, LAYERS, HostModel.at(TARGET), draft(HIDDEN), vocabulary, Set.of("other"));
        assertTrue(some.fingerprints().get("train.subset").startsWith("1 conversations"), some.fingerprints()::toString);
        assertTrue(none.fingerprints().get("train.subset").startsWith("0 conversations"), none.fingerprints()::toString);
        try (TrainingInputs.Opened opened = some.open(Device.CPU, DType.F32, conf)) {
            assertArrayEquals(new int[] {10}, opened.source().lengths(Part.TRAIN));
        }
        try (TrainingInputs.Opened opened = none.open(Device.CPU, DType.F32, conf)) {
            assertArrayEquals(new int[0], opened.source().lengths(Part.TRAIN));
        }
    }

    @Test
    void refusesAStoreThatDoesNotFit() throws Exception {
        HiddenStateStore store = store(LAYERS);
        assertRefused("teacher_rows is strict (expected all)",
                () -> inputs(store, HIDDEN).check(LossMode.SPECFORGE, CorruptChunks.STOP, conf));
        assertRefused("hidden_size is 64 (expected 80)",
                () -> inputs(store, 80).check(LossMode.STRICT, CorruptChunks.STOP, conf));
    }

    /** One-token answers leave no row whose next two tokens are supervised, however many of them there are. */
    @Test
    void refusesAStoreWithoutALossRow() throws Exception {
        String expected = "none of the 1 conversations to train on carries loss (expected one with two supervised tokens in a "
                + "row, "
                + "because train.mode is strict)";
        StoreInputs scattered = inputs(store(LAYERS, TeacherRows.ALL, 0, 3, 5, 9), HIDDEN);
        assertRefused(expected, () -> scattered.check(LossMode.STRICT, CorruptChunks.STOP, conf));
        scattered.check(LossMode.SPECFORGE, CorruptChunks.STOP, conf);
    }

    @Test
    void refusesAStoreWithoutASupervisedToken() throws Exception {
        StoreInputs silent = inputs(store(LAYERS, TeacherRows.ALL), HIDDEN);
        assertRefused("because train.mode is strict)", () -> silent.check(LossMode.STRICT, CorruptChunks.STOP, conf));
        assertRefused("(expected one with a supervised token, because train.mode is specforge)",
                () -> silent.check(LossMode.SPECFORGE, CorruptChunks.STOP, conf));
    }

    @Test
    void whatCannotBeOpenedIsGivenBack() throws Exception {
        StoreInputs made = inputs(store(LAYERS), HIDDEN);
        StoreInputs targetless =
                new StoreInputs(HiddenStateStore.open(folder.toString(), conf), LAYERS, HostModel.at(folder.resolve("none")),
                draft(HIDDEN), new DraftVocabulary(VOCABULARY, new int[] {1, 5, 9}));
        long before = Scope.liveTensors();
        assertThrows(RuntimeException.class, () -> targetless.open(Device.CPU, DType.F32, conf));
        assertEquals(before, Scope.liveTensors());
        java.nio.file.Files.delete(folder.resolve("store.json"));
        assertThrows(RuntimeException.class, () -> made.open(Device.CPU, DType.F32, conf));
        assertEquals(before, Scope.liveTensors());
    }

    @Test
    void refusesAStoreOfFewerLayers() throws Exception {
        HiddenStateStore store = store(List.of(0, 1));
        assertRefused("holds [0, 1] (expected 3 of them)",
                () -> inputs(store, HIDDEN).check(LossMode.STRICT, CorruptChunks.STOP, conf));
    }

    @Test
    void fingerprintsNameWhatATrainingIsMadeFrom() throws Exception {
        Map<String, String> recipe = Training.recipe(settings(), inputs(store(LAYERS), HIDDEN));
        assertEquals("a".repeat(64), recipe.get("store.target"));
        assertEquals("96", recipe.get("draft.intermediate_size"));
        assertEquals("strict", recipe.get("train.mode"));
        assertEquals(64, recipe.get("draft.vocabulary").length());
    }

    private static TrainSettings settings() {
        return new TrainSettings(LossMode.STRICT, 7, new TrainSettings.Batches(new BatchSize.Conversations(1), 1, 1, 0, 0),
                new TrainSettings.Optimization(1, 0, Schedule.CONSTANT, Optimizer.AdamW.withDecay(0), 1),
                new TrainSettings.Milestones(1, 1, 0), DTypeChoice.FLOAT32, CorruptChunks.STOP,
                new TaskResources(DeviceChoice.CPU, 1),
                new TreeMap<>(Map.of("train.mode", "strict")));
    }

    private static void assertRefused(String message, org.junit.jupiter.api.function.Executable action) {
        String said = assertThrows(RefusalException.class, action).getMessage();
        assertTrue(said.endsWith(message), said);
    }
}
