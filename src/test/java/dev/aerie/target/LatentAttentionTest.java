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
import dev.aerie.target.layer.KvCache;
import dev.aerie.testing.Golden;
import dev.aerie.torch.DType;
import dev.aerie.torch.Device;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Targets of DeepSeek's layout, beside their rows in {@link TargetGoldenTest}. */
class LatentAttentionTest {

    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir
    Path folder;

    /** The golden model of a family with something changed. */
    private void changed(String family, Consumer<ObjectNode> config, Consumer<Map<String, Tensor>> weights) throws IOException {
        Path golden = Golden.target(family);
        ObjectNode json = (ObjectNode) JSON.readTree(golden.resolve("config.json").toFile());
        config.accept(json);
        JSON.writeValue(folder.resolve("config.json").toFile(), json);
        try (SafetensorsFile file = SafetensorsFile.open(golden.resolve("model.safetensors")); Scope scope = Scope.open()) {
            Map<String, Tensor> tensors = new HashMap<>();
            file.names().forEach(name -> tensors.put(name, file.tensor(name)));
            weights.accept(tensors);
            SafetensorsWriter.write(folder.resolve("model.safetensors"), tensors, Map.of());
        }
    }

    @Test
    void kimiK2IsReadUnderItsOwnModelType() throws IOException {
        changed("kimi_k2",
                json -> json.put("model_type", "kimi_k2").put("topk_method", "noaux_tc").put("scoring_func", "sigmoid")
                        .put("seq_aux", true).put("aux_loss_alpha", 0.001).put("ep_size", 1).put("moe_layer_freq", 1),
                tensors -> {});
        try (Target target = Target.load(folder, DType.F32, Device.CPU)) {
            TargetVerification errors = TargetVerification.compare(
                    target, Golden.target("kimi_k2").resolve("golden.safetensors"));
            assertTrue(errors.largestError() < 1e-4, errors::toString);
        }
    }

    @Test
    void layersThatPredictFurtherTokensAreUnused() throws IOException {
        changed("deepseek_v3", json -> {}, tensors -> {
            tensors.put("model.layers.6.eh_proj.weight", Tensor.zeros(DType.F32, Device.CPU, 64, 128));
            tensors.put("model.layers.6.self_attn.q_a_proj.weight", Tensor.zeros(DType.F8_E4M3, Device.CPU, 4));
        });
        assertEquals(6, Target.check(folder).layers());
        changed("deepseek_v3", json -> {},
                tensors -> tensors.put("model.layers.7.eh_proj.weight", Tensor.zeros(DType.F32, Device.CPU, 64, 128)));
        assertTrue(refusal().endsWith("1 tensor unknown to this model family: model.layers.7.eh_proj.weight"), refusal());
    }

    @Test
    void settingsThatAreNotImplementedAreNamed() throws IOException {
        changed("deepseek_v3", json -> json.put("topk_method", "lottery"), tensors -> {});
        assertTrue(refusal().startsWith("Invalid topk_method: \"lottery\" in "), refusal());
        changed("deepseek_v2", json -> json.put("norm_topk_prob", true), tensors -> {});
        assertTrue(refusal().startsWith("Invalid norm_topk_prob: true in "), refusal());
        changed("deepseek_v3", json -> json.put("n_group", 3), tensors -> {});
        assertTrue(refusal().endsWith("(expected a divisor of n_routed_experts = 8)"), refusal());
    }

    @Test
    void groupsLimitTheExpertsOfV2() throws IOException {
        changed("deepseek_v2", json -> json.put("topk_method", "group_limited_greedy").put("n_group", 1).put("topk_group", 1),
                tensors -> {});
        float[] oneGroup = logits();
        changed("deepseek_v2", json -> {}, tensors -> {});
        assertArrayEquals(oneGroup, logits());
        changed("deepseek_v2", json -> json.put("topk_method", "group_limited_greedy").put("n_group", 4).put("topk_group", 1),
                tensors -> {});
        assertTrue(!Arrays.equals(oneGroup, logits()));
    }

    private float[] logits() {
        try (Target target = Target.load(folder, DType.F32, Device.CPU); Scope scope = Scope.open()) {
            long[] ids = {5, 17, 300, 2, 9, 11, 40, 41};
            return target.logits(target.hiddenStates(ids, new long[] {0, 8}, new int[0]).last()).toFloats();
        }
    }

    private String refusal() {
        return assertThrows(RefusalException.class, () -> Target.check(folder)).getMessage();
    }

    @ParameterizedTest
    @ValueSource(strings = {"deepseek_v2", "deepseek_v3"})
    void cachedTokensGetTheStatesOfThePackedForward(String family) {
        Path golden = Golden.target(family);
        try (Target target = Target.load(golden, DType.F32, Device.CPU);
                SafetensorsFile file = SafetensorsFile.open(golden.resolve("golden.safetensors"));
                Scope scope = Scope.open()) {
            int n = (int) file.tensor("cu_seqlens").toLongs()[1];
            long[] ids = Arrays.copyOf(file.tensor("input_ids").toLongs(), n);
            Tensor expected = target.hiddenStates(ids, new long[] {0, n}, new int[0]).last();
            try (KvCache cache = target.newCache(n)) {
                int at = 0;
                for (int block : new int[] {3, 1, 2, n - 6}) {
                    target.decode(new long[] {7}, cache, new int[0]);
                    cache.truncate(at);
                    Tensor last = target.decode(Arrays.copyOfRange(ids, at, at + block), cache, new int[0]).last();
                    assertArrayEquals(expected.narrow(0, at, block).toFloats(), last.toFloats(), 2e-5f);
                    at += block;
                }
            }
        }
    }
}
