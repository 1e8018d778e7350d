package dev.aerie.draft;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.aerie.errors.RefusalException;
import dev.aerie.target.layer.RotaryTable;
import dev.aerie.target.spec.ConfigJson;
import dev.aerie.target.spec.Rope;
import dev.aerie.torch.Device;
import dev.aerie.torch.Scope;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class DraftConfigTest {

    /** Position 40 as SpecForge's LlamaDynamicNTKScalingRotaryEmbedding(8, 64, 10000, scaling_factor=4) has it. */
    @Test
    void dynamicRopeIsSpecForges() {
        float[] cos = {-0.666938066482544f, -0.9960401654243469f, 0.9729885458946228f, 0.9998419880867004f};
        float[] sin = {0.7451131343841553f, 0.08890406042337418f, 0.23085349798202515f, 0.017776841297745705f};
        try (RotaryTable table = Drafts.config(new Rope.Dynamic(10_000, 4, 64), 64).rotary(Device.CPU);
                Scope scope = Scope.open()) {
            assertArrayEquals(cos, table.at(new long[] {40}).cos().toFloats(), 1e-6f);
            assertArrayEquals(sin, table.at(new long[] {40}).sin().toFloats(), 1e-6f);
            long[] all = LongStream.range(0, 300).toArray();
            assertArrayEquals(cos, table.at(all).cos().narrow(0, 40, 1).toFloats(), 1e-6f,
                    "the same in a text that is longer than the positions");
        }
    }

    /** 0.1 · mscale · ln 40 + 1 over the same of mscale_all_dim, whether or not one of them is 0. */
    @Test
    void readsYarnAsSpecForgeDoes() throws Exception {
        assertEquals((0.07 * Math.log(40) + 1) / 1, attention("\"mscale\": 0.7, \"mscale_all_dim\": 0"), 1e-12);
        assertEquals(1 / (0.07 * Math.log(40) + 1), attention("\"mscale\": 0, \"mscale_all_dim\": 0.7"), 1e-12);
        assertEquals((0.1 * Math.log(40) + 1) / (0.05 * Math.log(40) + 1),
                attention("\"mscale\": 1.0, \"mscale_all_dim\": 0.5"), 1e-12);
        assertEquals(0.1 * Math.log(40) + 1, attention("\"beta_fast\": 32"), 1e-12);
        assertEquals(1.3, attention("\"mscale\": 0.7, \"mscale_all_dim\": 0, \"attention_factor\": 1.3"), 1e-12);
    }

    private static double attention(String parameters) throws Exception {
        JsonNode yarn = new ObjectMapper().readTree("{\"rope_type\": \"yarn\", \"factor\": 40, \"rope_theta\": 10000, "
                + "\"original_max_position_embeddings\": 64, " + parameters + "}");
        double attention = Double.NaN;
        for (String key : new String[] {"rope_scaling", "rope_parameters"}) {
            ObjectNode json = Drafts.config().toJson();
            json.remove("rope_parameters");
            json.set(key, yarn);
            attention = DraftConfig.read(ConfigJson.of("test", json)).rope().attentionFactor();
        }
        return attention;
    }

    /** SpecForge computes the factor from mscale and mscale_all_dim alone, and fails where one is missing. */
    @Test
    void writesYarnForReadersOfEitherKind() {
        Rope.Yarn yarn = new Rope.Yarn(10_000, 40, 64, 32, 1, 1.3, false);
        ObjectNode json = Drafts.config(yarn, 2560).toJson();
        assertEquals(yarn, DraftConfig.read(ConfigJson.of("test", json)).rope());
        JsonNode scaling = json.get("rope_scaling");
        assertEquals(1.3, Rope.mscale(40, scaling.get("mscale").doubleValue())
                / Rope.mscale(40, scaling.get("mscale_all_dim").doubleValue()), 1e-12);
    }

    /** What SpecForge's qwen3-8b-eagle3.json and gemma3-1b-eagle3.json say beside the draft. */
    @Test
    void passesOverWhatIsLeftOfTheTargetsConfiguration() {
        ObjectNode json = Drafts.config().toJson();
        json.put("use_sliding_window", false).put("sliding_window", 512).put("max_window_layers", 36)
                .put("decoder_sparse_step", 1).put("target_model_type", "gemma3_text");
        assertEquals(Drafts.config(), DraftConfig.read(ConfigJson.of("test", json)));
        json.put("use_sliding_window", true);
        assertEquals("Invalid use_sliding_window: true in test (expected false)",
                assertThrows(RefusalException.class, () -> DraftConfig.read(ConfigJson.of("test", json))).getMessage());
    }
}
