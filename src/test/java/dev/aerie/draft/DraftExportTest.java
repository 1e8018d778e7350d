package dev.aerie.draft;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.aerie.errors.RefusalException;
import dev.aerie.safetensors.SafetensorsFile;
import dev.aerie.safetensors.SafetensorsWriter;
import dev.aerie.target.spec.ConfigJson;
import dev.aerie.target.spec.Rope;
import dev.aerie.testing.Golden;
import dev.aerie.torch.DType;
import dev.aerie.torch.Device;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DraftExportTest {

    private static final String LAYER_IDS = "eagle_aux_hidden_state_layer_ids";

    /** The draft of Llama-3.1-8B-Instruct, as SpecForge exports it. */
    private static final DraftConfig LLAMA_31_8B = new DraftConfig(4096, 14336, 32, 8, 128, 4096, 128256, 32000, 1e-5, 131072,
            new Rope.Llama3(500_000, 8, 1, 4, 8192), List.of(), 128000, List.of(128001, 128008, 128009), null);

    @TempDir
    Path folder;

    @Test
    void hasTheTensorsThatServingEnginesLoad() {
        Set<String> expected = new TreeSet<>(List.of(
                "fc.weight BF16 [4096, 12288]",
                "midlayer.hidden_norm.weight BF16 [4096]",
                "midlayer.input_layernorm.weight BF16 [4096]",
                "midlayer.post_attention_layernorm.weight BF16 [4096]",
                "midlayer.self_attn.q_proj.weight BF16 [4096, 8192]",
                "midlayer.self_attn.k_proj.weight BF16 [1024, 8192]",
                "midlayer.self_attn.v_proj.weight BF16 [1024, 8192]",
                "midlayer.self_attn.o_proj.weight BF16 [4096, 4096]",
                "midlayer.mlp.gate_proj.weight BF16 [14336, 4096]",
                "midlayer.mlp.up_proj.weight BF16 [14336, 4096]",
                "midlayer.mlp.down_proj.weight BF16 [4096, 14336]",
                "norm.weight BF16 [4096]",
                "lm_head.weight BF16 [32000, 4096]",
                "d2t I64 [32000]",
                "t2d BOOL [128256]"));
        Set<String> actual = new TreeSet<>();
        DraftExport.tensors(LLAMA_31_8B).forEach(t -> actual.add(t.name() + " " + t.dtype() + " " + t.shape()));
        assertEquals(expected, actual);
    }

    @Test
    void carriesARopeOfTwoLists() {
        List<Double> factors = Collections.nCopies(4, 1.25);
        DraftConfig config = new DraftConfig(16, 24, 2, 2, 8, 16, 40, 13, 1e-5, 4096,
                new Rope.LongRope(10_000, factors, factors, 1024, 1.1), List.of(), 1, List.of(2), null);
        ObjectNode json = DraftConfigJson.write(config);
        assertEquals(1024, json.get("original_max_position_embeddings").intValue());
        assertEquals(config, DraftConfig.read(ConfigJson.of("test", json)));
    }

    @Test
    void writesExactlyTheTensorsItNames() throws Exception {
        DraftConfig config = Drafts.config();
        try (Scope scope = Scope.open(); DraftParameters parameters = Drafts.parameters(config, 1)) {
            DraftFolder.write(parameters, Drafts.target(config, 2).vocabulary(), folder);
            try (SafetensorsFile file = SafetensorsFile.open(folder.resolve(DraftExport.WEIGHTS))) {
                Set<String> expected = new TreeSet<>();
                for (DraftExport.Spec spec : DraftExport.tensors(config)) {
                    expected.add(spec.name());
                    assertEquals(spec.dtype(), file.dtype(spec.name()), spec.name());
                    long[] shape = spec.shape().stream().mapToLong(Long::longValue).toArray();
                    assertArrayEquals(shape, file.shape(spec.name()), spec.name());
                }
                assertEquals(expected, new TreeSet<>(file.names()));
            }
        }
    }

    @Test
    void mirrorsTheRopeInEveryForm() throws Exception {
        JsonNode json = new ObjectMapper().readTree(DraftExport.config(LLAMA_31_8B));
        assertEquals(new ObjectMapper().readTree("""
                {"architectures": ["LlamaForCausalLMEagle3"], "model_type": "llama", "hidden_size": 4096,
                 "intermediate_size": 14336, "num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 128,
                 "num_hidden_layers": 1, "hidden_act": "silu", "rms_norm_eps": 1e-5, "attention_bias": false, "mlp_bias": false,
                 "vocab_size": 128256, "draft_vocab_size": 32000, "max_position_embeddings": 131072, "rope_theta": 500000.0,
                 "rope_scaling": {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                                  "original_max_position_embeddings": 8192},
                 "rope_parameters": {"rope_type": "llama3", "rope_theta": 500000.0, "factor": 8.0, "low_freq_factor": 1.0,
                                     "high_freq_factor": 4.0, "original_max_position_embeddings": 8192},
                 "tie_word_embeddings": false, "bos_token_id": 128000, "eos_token_id": [128001, 128008, 128009],
                 "pad_token_id": null, "torch_dtype": "bfloat16"}
                """), json);
        assertEquals(LLAMA_31_8B, DraftConfig.read(ConfigJson.of("test", json)));
        ObjectNode legacy = json.deepCopy();
        legacy.remove("rope_parameters");
        assertEquals(LLAMA_31_8B, DraftConfig.read(ConfigJson.of("test", legacy)));
    }

    /** SGLang reads eagle_config and counts outputs; vLLM and llama.cpp read the top level and count inputs. */
    @Test
    void namesCapturedLayersForEveryEngine() {
        DraftConfig config = withLayers(List.of(2, 5, 9));
        ObjectNode json = config.toJson();
        assertEquals("[2,5,9]", json.path("eagle_config").path(LAYER_IDS).toString());
        assertEquals("[3,6,10]", json.path(LAYER_IDS).toString());
        assertEquals(config, read(json));
        assertFalse(withLayers(List.of()).toJson().has(LAYER_IDS));
        assertFalse(withLayers(List.of()).toJson().has("eagle_config"));
    }

    @Test
    void readsCapturedLayersInEitherNumbering() {
        DraftConfig config = withLayers(List.of(2, 5, 9));
        ObjectNode outputsAlone = config.toJson();
        outputsAlone.remove(LAYER_IDS);
        assertEquals(config, read(outputsAlone));
        outputsAlone.putNull(LAYER_IDS);
        assertEquals(config, read(outputsAlone));
        ObjectNode inputsAlone = config.toJson();
        inputsAlone.remove("eagle_config");
        assertEquals(config, read(inputsAlone));
        inputsAlone.putObject("eagle_config").put("use_aux_hidden_state", true);
        assertEquals(config, read(inputsAlone));

        ObjectNode same = config.toJson();
        same.set(LAYER_IDS, same.path("eagle_config").path(LAYER_IDS));
        assertEquals("Invalid eagle_aux_hidden_state_layer_ids: [2,5,9] in test (expected each id of "
                + "eagle_config.eagle_aux_hidden_state_layer_ids plus 1: [3, 6, 10])",
                assertThrows(RefusalException.class, () -> read(same)).getMessage());
        inputsAlone.putArray(LAYER_IDS).add(0).add(5).add(9);
        assertThrows(RefusalException.class, () -> read(inputsAlone));
        inputsAlone.putArray(LAYER_IDS).add(1).add(5);
        assertThrows(RefusalException.class, () -> read(inputsAlone));
    }

    private static DraftConfig withLayers(List<Integer> layers) {
        return new DraftConfig(64, 96, 4, 2, 16, 80, 320, 96, 1e-6, 256, new Rope.Default(10_000), layers, null, List.of(2), 0);
    }

    private static DraftConfig read(JsonNode json) {
        return DraftConfig.read(ConfigJson.of("test", json.deepCopy()));
    }

    /** vLLM refuses d2t in a draft whose vocabulary is the target's. */
    @Test
    void leavesTheMappingOutOfADraftOfAllTokens() throws Exception {
        DraftConfig config = Drafts.fullVocabulary();
        try (Scope scope = Scope.open(); DraftParameters parameters = Drafts.parameters(config, 1)) {
            DraftFolder.write(parameters, Drafts.target(config, 2).vocabulary(), folder);
            try (SafetensorsFile file = SafetensorsFile.open(folder.resolve(DraftExport.WEIGHTS))) {
                assertFalse(file.contains("d2t"));
                assertFalse(file.contains("t2d"));
                assertEquals(DraftExport.tensors(config).size(), file.names().size());
            }
            parameters.flat().copy_(parameters.flat().to(DType.BF16));
            for (String draftVocabSize : new String[] {"40", "null", null}) {
                ObjectNode json = config.toJson();
                json.remove("draft_vocab_size");
                if (draftVocabSize != null) {
                    json.set("draft_vocab_size", new ObjectMapper().readTree(draftVocabSize));
                }
                Files.writeString(folder.resolve(DraftExport.CONFIG), json.toString());
                assertEquals(config, DraftExport.check(folder));
                try (DraftExport.Draft draft = DraftExport.read(folder, Device.CPU)) {
                    assertEquals(config, draft.config());
                    assertArrayEquals(IntStream.range(0, Drafts.VOCABULARY).toArray(), draft.vocabulary().ids());
                    assertArrayEquals(parameters.flat().toFloats(), draft.parameters().flat().toFloats());
                }
            }
        }
    }

    /** Drafts of others: d2t of zeros beside a full vocabulary, or d2t without t2d. */
    @Test
    void readsWhateverOfTheMappingIsThere() throws Exception {
        try (Scope scope = Scope.open()) {
            write(Drafts.fullVocabulary(), tensors ->
                    tensors.put("d2t", Tensor.of(new long[Drafts.VOCABULARY], Drafts.VOCABULARY)));
            try (DraftExport.Draft draft = DraftExport.read(folder, Device.CPU)) {
                assertEquals(Drafts.VOCABULARY, draft.vocabulary().size());
            }
            DraftConfig config = Drafts.config();
            write(config, tensors -> tensors.remove("t2d"));
            try (DraftExport.Draft draft = DraftExport.read(folder, Device.CPU)) {
                assertArrayEquals(Drafts.target(config, 2).vocabulary().ids(), draft.vocabulary().ids());
            }
            write(config, tensors -> tensors.put("t2d", Tensor.of(new boolean[Drafts.VOCABULARY], Drafts.VOCABULARY)));
            refuses("d2t and t2d of ");
            write(config, tensors -> tensors.put("d2t", Tensor.of(LongStream.range(0, 13).map(i -> 3 * i).toArray(), 13)));
            refuses("gives draft token 10 the target's id 40 (expected 0 to 39)");
        }
    }

    /** Whatever the tensor: it is missing, of another shape, of another type. Headers alone say so. */
    @Test
    void checksEveryTensorByItsHeader() throws Exception {
        DraftConfig config = Drafts.config();
        try (Scope scope = Scope.open()) {
            for (DraftExport.Spec spec : DraftExport.tensors(config)) {
                String name = spec.name();
                if (!name.equals("t2d")) {
                    write(config, tensors -> tensors.remove(name));
                    checkRefuses(name + spec.shape() + " is missing");
                }
                write(config, tensors -> tensors.put(name, Tensor.cat(0, List.of(tensors.get(name), tensors.get(name)))));
                List<Long> doubled = new ArrayList<>(spec.shape());
                doubled.set(0, 2 * doubled.get(0));
                checkRefuses(name + " has shape " + doubled + " (expected " + spec.shape() + ")");
                write(config, tensors -> tensors.put(name, tensors.get(name).to(DType.U8)));
                checkRefuses(name + " has type U8 (expected ");
            }
            write(config, tensors -> tensors.put("midlayer.self_attn.q_norm.weight", Tensor.of(new float[8], 8)));
            checkRefuses("midlayer.self_attn.q_norm.weight is not a tensor of an EAGLE-3 draft");
            write(config, tensors -> tensors.replaceAll((name, t) -> t.dtype() == DType.BF16 ? t.to(DType.F16) : t));
            assertEquals(config, DraftExport.check(folder));
            write(config, tensors -> tensors.put("embed_tokens.weight", Tensor.of(new float[8], 8)));
            assertEquals(config, DraftExport.check(folder));
            write(config, Map::clear);
            checkRefuses("; and 6 more");
        }
    }

    private void checkRefuses(String part) {
        String said = assertThrows(RefusalException.class, () -> DraftExport.check(folder)).getMessage();
        assertTrue(said.contains(part), said);
    }

    private void refuses(String part) {
        String said = assertThrows(RefusalException.class, () -> DraftExport.read(folder, Device.CPU)).getMessage();
        assertTrue(said.contains(part), said);
    }

    /** Writes an exported draft with changed tensors. */
    private void write(DraftConfig config, Consumer<Map<String, Tensor>> change) throws Exception {
        try (DraftParameters parameters = Drafts.parameters(config, 1)) {
            DraftFolder.write(parameters, Drafts.target(config, 2).vocabulary(), folder);
        }
        Map<String, Tensor> tensors = new HashMap<>();
        try (SafetensorsFile file = SafetensorsFile.open(folder.resolve(DraftExport.WEIGHTS))) {
            file.names().forEach(name -> tensors.put(name, file.tensor(name)));
        }
        change.accept(tensors);
        SafetensorsWriter.write(folder.resolve(DraftExport.WEIGHTS), tensors, Map.of());
    }

    @Test
    void namesWhatDiffersFromTheDefaultsOnly() {
        DraftConfig config = new DraftConfig(64, 96, 4, 2, 16, 80, 320, 96, 1e-6, 256, new Rope.Default(10_000), List.of(2, 5, 9),
                null, List.of(2), 0);
        JsonNode json = config.toJson();
        assertEquals(80, json.path("target_hidden_size").asInt());
        assertEquals("[2,5,9]", json.path("eagle_config").path("eagle_aux_hidden_state_layer_ids").toString());
        assertTrue(json.path("rope_scaling").isNull());
        assertEquals(2, json.path("eos_token_id").asInt());
        assertEquals(config, DraftConfig.read(ConfigJson.of("test", json)));
        assertFalse(LLAMA_31_8B.toJson().has("eagle_config"));
        assertFalse(LLAMA_31_8B.toJson().has("target_hidden_size"));
    }

    /** bfloat16 rounds the parameters once; from there on nothing is lost: the draft read back has the rounded one's losses. */
    @Test
    void readsBackTheDraftWithItsLosses() throws Exception {
        try (DraftGolden golden = new DraftGolden(Golden.training("eagle3-llama3rope")); Scope scope = Scope.open();
                DraftParameters trained = golden.parameters("init")) {
            DraftFolder.write(trained, golden.target().vocabulary(), folder);
            trained.flat().copy_(trained.flat().to(DType.BF16));
            try (DraftExport.Draft draft = DraftExport.read(folder, Device.CPU)) {
                assertArrayEquals(golden.target().vocabulary().ids(), draft.vocabulary().ids());
                assertArrayEquals(trained.flat().toFloats(), draft.parameters().flat().toFloats());
                assertEquals(golden.config().rope(), draft.config().rope());
                for (int k = 0; k < golden.samples(); k++) {
                    double[] losses = losses(draft.parameters(), golden, k);
                    assertArrayEquals(losses(trained, golden, k), losses, 0);
                    for (int i = 0; i < losses.length; i++) {
                        double unrounded = golden.metrics("samples", k).path("loss").path(i).asDouble();
                        assertEquals(unrounded, losses[i], 2e-3 * unrounded);
                    }
                }
            }
        }
    }

    private static double[] losses(DraftParameters parameters, DraftGolden golden, int sample) {
        try (Scope scope = Scope.open();
                TttTraining training =
                        new TttTraining(parameters, golden.target(), LossMode.SPECFORGE, golden.steps(), DType.F32)) {
            TrainingBatch batch = golden.batch(sample);
            Teacher teacher = training.teacher(batch);
            Tensor gradient = Drafts.zerosLike(parameters);
            TttMetrics metrics = training.forwardBackward(batch, teacher, teacher.denominators(), gradient);
            double[] losses = new double[golden.steps()];
            for (int i = 0; i < losses.length; i++) {
                losses[i] = metrics.meanLoss(i, teacher.denominators()[i]);
            }
            return losses;
        }
    }

    @Test
    void refusesWhatIsNoDraft() throws Exception {
        assertTrue(assertThrows(RefusalException.class, () -> DraftExport.read(folder, Device.CPU)).getMessage()
                .startsWith("Missing file: "));
        ObjectNode json = Drafts.config().toJson();
        json.put("fc_norm", true);
        Files.writeString(folder.resolve(DraftExport.CONFIG), json.toString());
        assertTrue(assertThrows(RefusalException.class, () -> DraftExport.read(folder, Device.CPU)).getMessage()
                .startsWith("Invalid fc_norm: true"));
        DraftConfig config = Drafts.config();
        try (Scope scope = Scope.open(); DraftParameters parameters = Drafts.parameters(config, 1)) {
            DraftFolder.write(parameters, Drafts.target(config, 2).vocabulary(), folder);
        }
        json = config.toJson();
        json.put("intermediate_size", 25);
        Files.writeString(folder.resolve(DraftExport.CONFIG), json.toString());
        assertTrue(assertThrows(RefusalException.class, () -> DraftExport.read(folder, Device.CPU)).getMessage()
                .contains("midlayer.mlp.gate_proj.weight has shape [24, 16] (expected [25, 16])"));
    }

    @Test
    void startsANewDraftTheSameWayForASeed() {
        DraftConfig config = Drafts.config();
        try (Scope scope = Scope.open(); DraftParameters a = DraftParameters.random(config, 3, Device.CPU);
                DraftParameters b = DraftParameters.random(config, 3, Device.CPU);
                DraftParameters c = DraftParameters.random(config, 4, Device.CPU)) {
            assertArrayEquals(a.flat().toFloats(), b.flat().toFloats());
            assertFalse(Arrays.equals(a.flat().toFloats(), c.flat().toFloats()));
            Tensor norm = a.get("norm.weight");
            assertEquals(Drafts.HIDDEN, norm.sum().item());
            Tensor fc = a.get("fc.weight");
            assertEquals(0.02, Math.sqrt(fc.mul(fc).sum().item() / fc.count()), 2e-3);
        }
    }
}
