package dev.aerie.target;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.aerie.errors.RefusalException;
import dev.aerie.target.layer.KvCache;
import dev.aerie.torch.DType;
import dev.aerie.torch.Device;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

class TargetTest {

    private static final long[] IDS = {5, 17, 300, 2, 9};
    private static final Consumer<Map<String, Tensor>> SAME = tensors -> {};

    @TempDir
    Path folder;

    @Test
    void missingMisshapenMistypedAndUnknownTensorsAreNamedTogether() throws IOException {
        TestModel.changed(folder, config -> {}, tensors -> {
            tensors.remove("model.layers.0.mlp.up_proj.weight");
            tensors.remove("lm_head.weight");
            tensors.put("model.norm.weight", Tensor.zeros(DType.F32, Device.CPU, 63));
            tensors.put("model.layers.1.self_attn.q_proj.weight", Tensor.zeros(DType.I8, Device.CPU, 64, 64));
            tensors.put("model.layers.1.self_attn.q_proj.weight_scale", Tensor.zeros(DType.F32, Device.CPU, 64));
            tensors.put("model.layers.0.self_attn.rotary_emb.inv_freq", Tensor.zeros(DType.F32, Device.CPU, 8));
        });
        assertEquals("Invalid weights: " + folder + ": 2 tensors missing: lm_head.weight[320, 64], "
                + "model.layers.0.mlp.up_proj.weight[96, 64]; 1 tensor misshapen: model.norm.weight[63] (expected [64]); "
                + "1 tensor of a type that is not float32, float16 or bfloat16: model.layers.1.self_attn.q_proj.weight I8; "
                + "1 tensor unknown to this model family: model.layers.1.self_attn.q_proj.weight_scale", refusal());
    }

    @Test
    void anUnknownModelTypeIsAnsweredWithTheFamiliesThereAre() throws IOException {
        TestModel.changed(folder, config -> config.put("model_type", "rwkv"), SAME);
        String said = refusal();
        assertTrue(said.startsWith("Invalid model_type: \"rwkv\" in " + folder.resolve("config.json")
                + " (expected a family that there is: ") && said.contains("llama, ") && said.contains("qwen3"), said);
    }

    @Test
    void settingsNobodyReadsAreRefusedByName() throws IOException {
        TestModel.changed(folder,
                config -> config.put("residual_scale", 2).put("attention_kind", "fast").putNull("unset"), SAME);
        assertEquals("Unknown settings in " + folder.resolve("config.json") + ": attention_kind = \"fast\", "
                + "residual_scale = 2 (family llama reads or knowingly ignores every other key of it)", refusal());
    }

    @Test
    void settingsOfAnotherKindAreRefused() throws IOException {
        refused(config -> config.put("hidden_act", "gelu"), "Invalid hidden_act: \"gelu\" in ", "(expected silu)");
        refused(config -> config.put("hidden_size", "64"), "Invalid hidden_size: \"64\" in ", "(expected a whole number)");
        refused(config -> config.put("num_hidden_layers", 0), "Invalid num_hidden_layers: 0 in ",
                "(expected a whole number from 1)");
        refused(config -> config.put("num_hidden_layers", 2_000_000_000), "Invalid num_hidden_layers: 2000000000 in ",
                "(expected a whole number from 1 to 10000)");
        refused(config -> config.put("rms_norm_eps", -1.0), "Invalid rms_norm_eps: -1.0 in ", "(expected a number from 0)");
        refused(config -> config.put("rope_theta", 0).remove("rope_parameters"), "Invalid rope_theta: 0 in ",
                "(expected a number above 0)");
        refused(config -> config.put("num_key_value_heads", 3), "Invalid num_key_value_heads: 3 in ",
                "(expected a divisor of num_attention_heads = 4)");
        refused(config -> config.put("head_dim", 15), "Invalid head_dim: 15 in ",
                "(expected an even number, for rotary embedding)");
        refused(config -> config.remove("vocab_size"), "Missing vocab_size in ", "config.json");
        refused(config -> config.put("tie_word_embeddings", "no"), "Invalid tie_word_embeddings: \"no\" in ",
                "(expected true or false)");
        refused(config -> config.put("model_type", "qwen2").putArray("layer_types").add("sliding_attention").add("linear"),
                "Invalid layer_types: [\"sliding_attention\",\"linear\"] in ",
                "(expected full_attention or sliding_attention for each of 2 layers)");
        refused(config -> config.put("partial_rotary_factor", 0.2), "Invalid partial_rotary_factor: 0.2 of head_dim 16 ",
                "(expected an even number of dimensions within it)");
        refused(config -> config.withObjectProperty("rope_parameters").put("rope_type", "spiral"),
                "Invalid rope_type: \"spiral\" in ",
                "(expected default, linear, dynamic, yarn, llama3 or longrope)");
        refused(config -> config.withObjectProperty("rope_parameters").put("beta_fast", 32), "Unknown settings in ",
                "beta_fast = 32 (rope type llama3 reads or knowingly ignores every other key of it)");
    }

    private void refused(Consumer<ObjectNode> change, String start, String end) throws IOException {
        TestModel.changed(folder, change, SAME);
        String said = refusal();
        assertTrue(said.startsWith(start) && said.endsWith(end), said);
    }

    @Test
    void absentAndBrokenFilesAreNamed() throws IOException {
        assertEquals("Missing file: " + folder.resolve("config.json"), refusal());
        Files.writeString(folder.resolve("config.json"), "{\"model_type\": \"llama\",\n oops}");
        assertTrue(refusal().startsWith("Invalid JSON: " + folder.resolve("config.json")), refusal());
        Files.copy(TestModel.FOLDER.resolve("config.json"), folder.resolve("config.json"),
                StandardCopyOption.REPLACE_EXISTING);
        assertEquals("Missing weights: " + folder + " (expected model.safetensors or model.safetensors.index.json in it)",
                refusal());
        assertEquals("Missing model folder: nowhere",
                assertThrows(RefusalException.class, () -> Target.config(Path.of("nowhere"))).getMessage());
    }

    private String refusal() {
        RefusalException refused = assertThrows(RefusalException.class,
                () -> Target.load(folder, DType.F32, Device.CPU).close());
        assertEquals(1, refused.getMessage().lines().count());
        return refused.getMessage();
    }

    @Test
    void tiedEmbeddingsAreOneTensor() throws IOException {
        TestModel.changed(folder, config -> config.put("tie_word_embeddings", true), tensors -> tensors.remove("lm_head.weight"));
        try (Target target = Target.load(folder, DType.F32, Device.CPU)) {
            assertSame(target.embedTokens(), target.lmHead());
        }
        try (Target untied = Target.load(TestModel.FOLDER, DType.F32, Device.CPU);
                TargetEnds ends = TargetEnds.load(TestModel.FOLDER, DType.F32, Device.CPU)) {
            assertArrayEquals(untied.embedTokens().toFloats(), ends.embedTokens().toFloats());
            assertArrayEquals(untied.lmHead().toFloats(), ends.lmHead().toFloats());
        }
    }

    @Test
    void biasesCountWhereTheConfigurationSaysSo() throws IOException {
        TestModel.changed(folder, config -> config.put("attention_bias", true).put("mlp_bias", true), tensors -> {
            for (int layer = 0; layer < 2; layer++) {
                String name = "model.layers." + layer;
                for (String part : List.of(".self_attn.q_proj", ".self_attn.o_proj", ".mlp.down_proj")) {
                    tensors.put(name + part + ".bias", Tensor.zeros(DType.F32, Device.CPU, 64));
                }
                tensors.put(name + ".self_attn.k_proj.bias", Tensor.zeros(DType.F32, Device.CPU, 32));
                tensors.put(name + ".self_attn.v_proj.bias", Tensor.full(0.25, DType.F32, Device.CPU, 32));
                tensors.put(name + ".mlp.gate_proj.bias", Tensor.zeros(DType.F32, Device.CPU, 96));
                tensors.put(name + ".mlp.up_proj.bias", Tensor.zeros(DType.F32, Device.CPU, 96));
            }
        });
        try (Target biased = Target.load(folder, DType.F32, Device.CPU);
                Target plain = Target.load(TestModel.FOLDER, DType.F32, Device.CPU);
                Scope scope = Scope.open()) {
            assertFalse(Arrays.equals(last(plain, IDS).toFloats(), last(biased, IDS).toFloats()));
        }
    }

    @Test
    void generationEndsWhereGenerationConfigSays() throws IOException {
        TestModel.changed(folder, config -> {}, SAME);
        assertEquals(List.of(2), Target.config(folder).eosTokenIds());
        TestModel.withGenerationConfig(folder, "{\"eos_token_id\": [7, 8]}");
        assertEquals(List.of(7, 8), Target.config(folder).eosTokenIds());
    }

    @Test
    void packedSequencesDoNotSeeEachOther() {
        try (Target target = Target.load(TestModel.FOLDER, DType.F32, Device.CPU); Scope scope = Scope.open()) {
            float[] alone = last(target, IDS).toFloats();
            long[] packed = {1, 2, 3, 5, 17, 300, 2, 9};
            float[] second = target.hiddenStates(packed, new long[] {0, 3, 8}, new int[] {0, 1, 1})
                    .last().narrow(0, 3, 5).toFloats();
            assertArrayEquals(alone, second, 1e-5f);
        }
    }

    @Test
    void wrongArgumentsAreNamed() {
        try (Target target = Target.load(TestModel.FOLDER, DType.F32, Device.CPU); Scope scope = Scope.open();
                KvCache cache = target.newCache(2)) {
            says("Invalid token id: 320 at position 1 (expected 0 to 319)", () -> last(target, 5, 320));
            says("Invalid cuSeqlens: [0, 5, 5] (expected 0, then the rising end of each sequence)",
                    () -> target.hiddenStates(IDS, new long[] {0, 5, 5}, new int[0]));
            says("Invalid cuSeqlens: they end at 4 (expected 5)", () -> target.hiddenStates(IDS, new long[] {0, 4}, new int[0]));
            says("Invalid capture_layers: [0, 2] (expected layers from 0 to 1)",
                    () -> target.hiddenStates(IDS, new long[] {0, 5}, new int[] {0, 2}));
            says("Invalid tokens: 5 (expected at most 2, which is what the cache of 2 has left)",
                    () -> target.decode(IDS, cache, new int[0]));
            says("Invalid dtype: F16 (expected float32 or bfloat16)", () -> Target.load(TestModel.FOLDER, DType.F16, Device.CPU));
        }
    }

    private static void says(String message, Executable call) {
        assertEquals(message, assertThrows(RuntimeException.class, call).getMessage());
    }

    @Test
    void forwardsLeaveNothingBehind() {
        long before = Scope.liveTensors();
        try (Target target = Target.load(TestModel.FOLDER, DType.F32, Device.CPU)) {
            Generator generator = Generator.greedy(target);
            run(target, generator);
            long resident = Scope.liveTensors();
            for (int i = 0; i < 200; i++) {
                run(target, generator);
                assertEquals(resident, Scope.liveTensors());
            }
        }
        assertEquals(before, Scope.liveTensors());
    }

    /** A caller may decode a whole text in one scope: what is left in it for each token is what it asked for. */
    @Test
    void aForwardReturnsItsResultsAndNothingElse() {
        try (Target target = Target.load(TestModel.FOLDER, DType.F32, Device.CPU); KvCache cache = target.newCache(8);
                Scope scope = Scope.open()) {
            // The first forward makes the rotary table.
            target.hiddenStates(IDS, new long[] {0, 2, 5}, new int[0]);
            long before = Scope.liveTensors();
            target.decode(new long[] {IDS[0]}, cache, new int[0]);
            assertEquals(before + 1, Scope.liveTensors());
            target.hiddenStates(IDS, new long[] {0, 2, 5}, new int[] {0});
            assertEquals(before + 3, Scope.liveTensors());
        }
    }

    private static void run(Target target, Generator generator) {
        try (Scope scope = Scope.open()) {
            HiddenStates states = target.hiddenStates(IDS, new long[] {0, 2, 5}, new int[] {0, 0, 1});
            assertArrayEquals(new long[] {5, 192}, states.aux().shape());
            assertArrayEquals(new long[] {5, 320}, target.logits(states.last()).shape());
            assertTrue(generator.generate(IDS, 3).length > 0);
        }
    }

    private static Tensor last(Target target, long... ids) {
        return target.hiddenStates(ids, new long[] {0, ids.length}, new int[0]).last();
    }
}
