package dev.aerie.target;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.aerie.errors.RefusalException;
import dev.aerie.target.family.TargetFamilies;
import dev.aerie.target.spec.DecoderSpec;
import dev.aerie.target.spec.WeightSpec;
import dev.aerie.target.weights.StagingBuffer;
import dev.aerie.target.weights.Weights;
import dev.aerie.testing.Golden;
import dev.aerie.torch.DType;
import dev.aerie.torch.Device;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Layers that are streamed: the same states as resident ones, no memory left over, failures told. */
class StreamedTargetTest {

    private static final Duration NO_HANG = Duration.ofSeconds(60);

    @TempDir
    Path temporary;

    @ParameterizedTest
    @ValueSource(strings = {
        "llama3", "llama3-8layer", "llama-yarn", "llama3-sharded", "llama3-bf16", "qwen3",
        "mixtral", "qwen3_moe", "qwen3_moe-bf16", "deepseek_v2", "deepseek_v3", "deepseek_v3-fp8", "kimi_k2",
        "mistral", "qwen2", "phi3", "gemma2", "gemma3_text", "glm4_moe", "llama4_text", "gpt_oss", "gpt_oss-mxfp4", "qwen3_next"})
    void agreesWithTheGoldenAtEveryLayer(String family) {
        Path golden = Golden.target(family);
        try (Target target = Target.load(golden, DType.F32, Device.CPU, Residency.STREAMED)) {
            TargetVerification errors = TargetVerification.compare(target, golden.resolve("golden.safetensors"));
            assertTrue(errors.largestError() < 1e-4, errors::toString);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"F32", "BF16"})
    void isResidentToTheBitWhateverTheWaveHolds(String dtype) {
        List<PackedTokens> wave = wave(5);
        int[] layers = {0, 1};
        try (Target resident = Target.load(TestModel.FOLDER, DType.valueOf(dtype), Device.CPU);
                Target streamed = Target.load(TestModel.FOLDER, DType.valueOf(dtype), Device.CPU, Residency.STREAMED);
                Scope scope = Scope.open()) {
            assertTrue(streamed.streamed());
            assertFalse(resident.streamed());
            List<HiddenStates> whole = streamed.hiddenStates(wave, layers);
            for (int i = 0; i < wave.size(); i++) {
                HiddenStates alone = resident.hiddenStates(List.of(wave.get(i)), layers).get(0);
                assertArrayEquals(alone.aux().toBytes(), whole.get(i).aux().toBytes());
                assertArrayEquals(alone.last().toBytes(), whole.get(i).last().toBytes());
                assertArrayEquals(resident.logits(alone.last()).toBytes(), streamed.logits(whole.get(i).last()).toBytes());
            }
        }
    }

    @Test
    void continuesAPromptAsTheResidentTargetDoes() {
        Path golden = Golden.target("llama3-8layer");
        long[] prompt = {5, 17, 33, 2};
        try (Target resident = Target.load(golden, DType.F32, Device.CPU);
                Target streamed = Target.load(golden, DType.F32, Device.CPU, Residency.STREAMED)) {
            assertArrayEquals(Generator.greedy(resident).generate(prompt, 12), Generator.greedy(streamed).generate(prompt, 12));
        }
    }

    @Test
    void leavesNoTensorBehind() {
        try (Target target = Target.load(TestModel.FOLDER, DType.F32, Device.CPU, Residency.STREAMED)) {
            run(target);
            long before = Scope.liveTensors();
            for (int i = 0; i < 50; i++) {
                run(target);
                assertEquals(before, Scope.liveTensors());
            }
        }
    }

    @Test
    void severalThreadsTakeTurns() throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(3);
        try (Target target = Target.load(TestModel.FOLDER, DType.F32, Device.CPU, Residency.STREAMED)) {
            byte[] expected = run(target);
            List<Future<byte[]>> runs = new ArrayList<>();
            for (int i = 0; i < 12; i++) {
                runs.add(threads.submit(() -> run(target)));
            }
            for (Future<byte[]> run : runs) {
                assertArrayEquals(expected, run.get());
            }
        } finally {
            threads.shutdownNow();
        }
    }

    @Test
    void aFileThatIsCutMeanwhileIsToldAndDoesNotKillTheProcess() throws IOException {
        Path folder = TestModel.changed(temporary, c -> {}, w -> {});
        try (Target target = Target.load(folder, DType.F32, Device.CPU, Residency.STREAMED)) {
            run(target);
            long before = Scope.liveTensors();
            try (FileChannel file = FileChannel.open(folder.resolve("model.safetensors"), StandardOpenOption.WRITE)) {
                file.truncate(file.size() - 1);
            }
            RefusalException e = assertTimeoutPreemptively(NO_HANG,
                    () -> assertThrows(RefusalException.class, () -> run(target)));
            assertTrue(e.getMessage().matches("Layer 0 of the target could not be brought in: .*bytes long.*"), e.getMessage());
            assertEquals(before, Scope.liveTensors());
        }
    }

    @Test
    void aLayerThatFailsIsNamedAndTheNextForwardStartsAnew() {
        DecoderSpec spec = TargetFamilies.read(TestModel.FOLDER);
        boolean[] fail = {true};
        List<Integer> seen = new ArrayList<>();
        try (Weights weights = Weights.open(TestModel.FOLDER);
                StreamedLayers layers = new StreamedLayers(spec.layers(), (index, loader) -> {
                    loader.load(spec.layers().get(index).attentionNorm());
                    if (fail[0] && index == 1) {
                        throw new IllegalStateException("no memory");
                    }
                    return null;
                }, weights, DType.F32, Device.CPU)) {
            long before = Scope.liveTensors();
            IllegalStateException e = assertTimeoutPreemptively(NO_HANG,
                    () -> assertThrows(IllegalStateException.class, () -> layers.forEach((i, layer) -> seen.add(i))));
            assertEquals("Layer 1 of the target could not be brought in: no memory", e.getMessage());
            assertThrows(ArithmeticException.class, () -> layers.forEach((i, layer) -> {
                throw new ArithmeticException("while layer 1 is on its way");
            }));
            assertEquals(before, Scope.liveTensors());
            fail[0] = false;
            layers.forEach((i, layer) -> seen.add(i));
            assertEquals(List.of(0, 0, 1), seen);
        }
    }

    /** The way of a GPU, with the CPU as the device: fused tensors come once, codes are dequantised there. */
    @ParameterizedTest
    @ValueSource(strings = {"llama3-bf16", "phi3", "qwen3_moe-bf16", "deepseek_v3-fp8", "gpt_oss-mxfp4"})
    void whatIsCopiedToADeviceIsWhatTheFilesHold(String family) {
        Path folder = Golden.target(family);
        DecoderSpec spec = TargetFamilies.read(folder);
        List<Tensor> loaded = new ArrayList<>();
        int[] layersSeen = {0};
        try (Weights weights = Weights.open(folder);
                StreamedLayers layers = new StreamedLayers(spec.layers(), (index, loader) -> {
                    loaded.clear();
                    spec.layers().get(index).weights().map(loader::load).forEach(loaded::add);
                    return null;
                }, weights, DType.F32, Device.CPU, true)) {
            long before = Scope.liveTensors();
            layers.forEach((i, layer) -> {
                layersSeen[0]++;
                List<WeightSpec> expected = spec.layers().get(i).weights().toList();
                try (Scope scope = Scope.open()) {
                    for (int k = 0; k < expected.size(); k++) {
                        byte[] bytes = weights.read(expected.get(k), DType.F32, Device.CPU).toBytes();
                        assertArrayEquals(bytes, loaded.get(k).toBytes(), expected.get(k).name());
                    }
                }
            });
            assertEquals(before, Scope.liveTensors());
        }
        assertEquals(spec.layers().size(), layersSeen[0]);
    }

    @Test
    void choosesByTheMemoryThatWeightsMayTake() {
        DecoderSpec spec = TargetFamilies.read(TestModel.FOLDER);
        long bytes = spec.weights().stream().mapToLong(w -> StagingBuffer.bytes(DType.F32, w.shape())).sum();
        assertFalse(new Residency(Residency.Mode.AUTO, bytes).decide(spec, DType.F32, Device.CPU).streamed());
        Residency.Decision over = new Residency(Residency.Mode.AUTO, bytes - 1).decide(spec, DType.F32, Device.CPU);
        assertTrue(over.streamed());
        assertTrue(over.toString().matches("streamed: weights of 0.00 GB in F32, and target.weight_memory allows .*"),
                over.toString());
        assertFalse(Residency.AUTO.decide(spec, DType.F32, Device.CPU).streamed());
    }

    private static byte[] run(Target target) {
        try (Scope scope = Scope.open()) {
            HiddenStates states = target.hiddenStates(wave(3), new int[] {1}).get(2);
            return Tensor.cat(1, List.of(states.aux(), states.last())).toBytes();
        }
    }

    private static List<PackedTokens> wave(int microBatches) {
        Random random = new Random(3);
        List<PackedTokens> wave = new ArrayList<>();
        for (int i = 0; i < microBatches; i++) {
            wave.add(PackedTokens.of(List.of(random.ints(1 + random.nextInt(20), 0, 320).toArray(),
                    random.ints(1 + random.nextInt(20), 0, 320).toArray())));
        }
        return wave;
    }
}
