package dev.aerie.target;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.aerie.errors.RefusalException;
import dev.aerie.safetensors.SafetensorsFile;
import dev.aerie.safetensors.SafetensorsWriter;
import dev.aerie.target.family.TargetFamilies;
import dev.aerie.target.layer.SparseFeedForward;
import dev.aerie.target.layer.WeightLoader;
import dev.aerie.target.spec.AttentionSpec;
import dev.aerie.target.spec.DecoderSpec;
import dev.aerie.target.spec.FeedForwardSpec;
import dev.aerie.target.weights.Weights;
import dev.aerie.testing.Golden;
import dev.aerie.torch.DType;
import dev.aerie.torch.Device;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the golden models of the families with experts do not show. */
class ExpertFamiliesTest {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String SMALL = """
            {"hidden_size": 8, "num_hidden_layers": 4, "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 4,
             "vocab_size": 11, "hidden_act": "silu", "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "intermediate_size": 6,
             "max_position_embeddings": 64, "tie_word_embeddings": false, "num_experts_per_tok": 1}""";

    @TempDir
    Path folder;

    @Test
    void llama4ThatAlsoSees() throws IOException {
        Path golden = Golden.target("llama4_text");
        ObjectNode config = JSON.createObjectNode().put("model_type", "llama4").put("image_token_index", 319);
        config.set("text_config", JSON.readTree(golden.resolve("config.v4.json").toFile()));
        config.putObject("vision_config").put("hidden_size", 16);
        JSON.writeValue(folder.resolve("config.json").toFile(), config);
        try (SafetensorsFile file = SafetensorsFile.open(golden.resolve("model.safetensors")); Scope scope = Scope.open()) {
            Map<String, Tensor> tensors = new HashMap<>();
            file.names().forEach(name -> tensors.put("language_model." + name, file.tensor(name)));
            tensors.put("vision_model.class_embedding", Tensor.zeros(DType.F32, Device.CPU, 16));
            tensors.put("multi_modal_projector.linear_1.weight", Tensor.zeros(DType.F32, Device.CPU, 64, 16));
            SafetensorsWriter.write(folder.resolve("model.safetensors"), tensors, Map.of());
        }
        try (Target target = Target.load(folder, DType.F32, Device.CPU)) {
            TargetVerification errors = TargetVerification.compare(target, golden.resolve("golden.safetensors"));
            assertTrue(errors.largestError() < 1e-4, errors::toString);
        }
    }

    @Test
    void llama4WithDenseLayersBetween() throws IOException {
        ObjectNode config = small("llama4_text").put("num_local_experts", 3).put("intermediate_size_mlp", 10)
                .put("interleave_moe_layer_step", 2).put("attention_chunk_size", 4)
                // As the first published files have it.
                .put("attn_temperature_tuning", 4);
        config.putArray("no_rope_layers");
        DecoderSpec spec = spec(config);
        assertEquals(List.of(false, true, false, true), sparse(spec));
        assertEquals(10, ((FeedForwardSpec.SwiGlu) spec.layers().get(0).feedForward()).up().weight().shape()[0]);
        List<AttentionSpec.GroupedQuery> attention =
                spec.layers().stream().map(l -> (AttentionSpec.GroupedQuery) l.attention()).toList();
        assertEquals(List.of(4, 4, 4, 0), attention.stream().map(a -> a.scores().chunk()).toList());
        assertEquals(List.of(true, true, true, false), attention.stream().map(a -> a.rotation() != null).toList());
        assertEquals(new AttentionSpec.Temperature(8192, 0.1), attention.get(3).temperature());
        assertRuns(spec);
    }

    @Test
    void llama4ListsItsLayersOfExperts() throws IOException {
        ObjectNode config = small("llama4_text").put("num_local_experts", 3).put("intermediate_size_mlp", 10);
        config.putArray("moe_layers").add(2);
        assertEquals(List.of(false, false, true, false), sparse(spec(config)));
    }

    @Test
    void qwen3MoeWithDenseLayersBetween() throws IOException {
        ObjectNode config = small("qwen3_moe").put("num_experts", 3).put("moe_intermediate_size", 5)
                .put("decoder_sparse_step", 2);
        config.putArray("mlp_only_layers").add(1);
        DecoderSpec spec = spec(config);
        assertEquals(List.of(false, false, false, true), sparse(spec));
        assertRuns(spec);
    }

    @Test
    void qwen3MoeSlidesInEveryLayerOrInNone() throws IOException {
        ObjectNode config = small("qwen3_moe").put("num_experts", 3).put("moe_intermediate_size", 5).put("sliding_window", 4)
                .put("max_window_layers", 2);
        assertEquals(List.of(0, 0, 0, 0), windows(spec(config.put("use_sliding_window", false))));
        DecoderSpec spec = spec(config.put("use_sliding_window", true));
        assertEquals(List.of(4, 4, 4, 4), windows(spec));
        assertRuns(spec);
    }

    @Test
    void gptOssSlidesInEveryOtherLayerWhereNoTypesAreNamed() throws IOException {
        DecoderSpec spec = spec(small("gpt_oss").put("num_local_experts", 3).put("sliding_window", 4));
        assertEquals(List.of(4, 0, 4, 0), windows(spec));
        assertRuns(spec);
    }

    @Test
    void gptOssNamesUnknownLayerTypes() throws IOException {
        ObjectNode config = small("gpt_oss").put("num_local_experts", 3).put("sliding_window", 4);
        config.putArray("layer_types").add("linear_attention");
        String message = assertThrows(RefusalException.class, () -> spec(config)).getMessage();
        assertTrue(message.contains("layer_types") && message.contains("sliding_attention"), message);
    }

    private static ObjectNode small(String modelType) throws IOException {
        return ((ObjectNode) JSON.readTree(SMALL)).put("model_type", modelType);
    }

    private DecoderSpec spec(ObjectNode config) throws IOException {
        JSON.writeValue(folder.resolve("config.json").toFile(), config);
        return TargetFamilies.read(folder);
    }

    /** As a GPU has them, for its grouped product. */
    @ParameterizedTest
    @ValueSource(strings = {"qwen3_moe-bf16", "mixtral", "deepseek_v3-fp8", "glm4_moe"})
    void expertsSideBySideComputeWhatTheyDoOneByOne(String family) {
        Path golden = Golden.target(family);
        DecoderSpec spec = TargetFamilies.read(golden);
        var experts = (FeedForwardSpec.MixtureOfExperts) spec.layers().get(2).feedForward();
        try (Weights weights = Weights.open(golden); Scope scope = Scope.open()) {
            WeightLoader loader = new WeightLoader(weights, DType.F32, Device.CPU, scope);
            Tensor x = Tensor.randomNormal(7, 1, 9, spec.config().hiddenSize());
            double[] oneByOne = new SparseFeedForward(experts, loader, false).of(x).toDoubles();
            assertArrayEquals(oneByOne, new SparseFeedForward(experts, loader, true).of(x).toDoubles(), 1e-5);
        }
    }

    private static List<Integer> windows(DecoderSpec spec) {
        return spec.layers().stream().map(l -> ((AttentionSpec.GroupedQuery) l.attention()).scores().window()).toList();
    }

    private static List<Boolean> sparse(DecoderSpec spec) {
        return spec.layers().stream().map(l -> l.feedForward() instanceof FeedForwardSpec.MixtureOfExperts).toList();
    }

    /** Random weights with the names and shapes of the specification. */
    private void assertRuns(DecoderSpec spec) throws IOException {
        try (Scope scope = Scope.open()) {
            Map<String, Tensor> tensors = new HashMap<>();
            spec.weights().forEach(w -> tensors.put(w.name(), Tensor.randomNormal(tensors.size(), 0.5, w.shape())));
            SafetensorsWriter.write(folder.resolve("model.safetensors"), tensors, Map.of());
        }
        try (Target target = Target.load(folder, DType.F32, Device.CPU); Scope scope = Scope.open()) {
            double[] last = target.hiddenStates(new long[] {1, 2, 3, 4, 5, 6, 7}, new long[] {0, 5, 7}, new int[0]).last()
                    .toDoubles();
            assertTrue(Arrays.stream(last).allMatch(Double::isFinite), () -> Arrays.toString(last));
        }
    }
}
