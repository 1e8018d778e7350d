package dev.aerie.target.spec;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.aerie.errors.RefusalException;
import dev.aerie.target.layer.RotaryTable;
import dev.aerie.torch.Device;
import dev.aerie.torch.Scope;
import java.io.IOException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RopeTest {

    @Test
    void bothFormsOfTheConfigurationSayTheSame() throws IOException {
        assertEquals(new Rope.Llama3(500_000, 8, 1, 4, 8192), read("""
                {"max_position_embeddings": 131072, "rope_parameters": {"rope_type": "llama3", "rope_theta": 500000.0,
                 "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 8192}}"""));
        assertEquals(new Rope.Llama3(500_000, 8, 1, 4, 8192), read("""
                {"max_position_embeddings": 131072, "rope_theta": 500000.0, "rope_scaling": {"rope_type": "llama3",
                 "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 8192}}"""));
        assertEquals(new Rope.Default(10_000), read("{}"));
        assertEquals(new Rope.Default(1e6), read("{\"rope_theta\": 1000000, \"rope_scaling\": null}"));
        assertEquals(new Rope.Default(1e6), read("{\"rope_parameters\": {\"rope_type\": \"default\", \"rope_theta\": 1000000}}"));
    }

    @Test
    void yarnWorksOutItsAttentionFactor() throws IOException {
        double plain = 0.1 * Math.log(4) + 1;
        assertEquals(plain, yarn("").attentionFactor(), 1e-12);
        assertEquals(1.25, yarn(", \"attention_factor\": 1.25").attentionFactor());
        assertEquals(1, yarn(", \"mscale\": 0.707, \"mscale_all_dim\": 0.707").attentionFactor());
        assertEquals((0.1 * Math.log(4) + 1) / (0.05 * Math.log(4) + 1),
                yarn(", \"mscale\": 1.0, \"mscale_all_dim\": 0.5").attentionFactor(), 1e-12);
        Rope.Yarn fromLengths = (Rope.Yarn) read("""
                {"max_position_embeddings": 4096,
                 "rope_scaling": {"type": "yarn", "original_max_position_embeddings": 1024}}""");
        assertEquals(4, fromLengths.factor());
    }

    private static Rope.Yarn yarn(String more) throws IOException {
        return (Rope.Yarn) read("{\"rope_scaling\": {\"rope_type\": \"yarn\", \"factor\": 4, "
                + "\"original_max_position_embeddings\": 1024" + more + "}}");
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "{\"rope_theta\": 500000}",
        "{\"rope_scaling\": {\"rope_type\": \"yarn\", \"factor\": 4, \"mscale\": 0.7, \"mscale_all_dim\": 1, "
            + "\"truncate\": false}}",
        "{\"rope_scaling\": {\"type\": \"linear\", \"factor\": 8}}",
        "{\"rope_scaling\": {\"type\": \"dynamic\", \"factor\": 2}}",
        "{\"rope_scaling\": {\"type\": \"longrope\", \"short_factor\": [1, 1.5], \"long_factor\": [2.5, 40]}}",
        "{\"rope_scaling\": {\"rope_type\": \"llama3\", \"factor\": 8, \"low_freq_factor\": 1, \"high_freq_factor\": 4}}"})
    void readsWhatItWrites(String json) throws IOException {
        Rope rope = read(json);
        assertEquals(rope, read(new ObjectMapper().createObjectNode().set("rope_parameters", rope.toParameters()).toString()));
    }

    @Test
    void slowPairsOfLlama3AreSlowedAndFastOnesAreNot() {
        float[] plain = new Rope.Default(500_000).frequencies(128);
        float[] scaled = new Rope.Llama3(500_000, 8, 1, 4, 8192).frequencies(128);
        assertEquals(1, plain[0]);
        assertEquals(plain[0], scaled[0]);
        assertEquals(plain[63] / 8, scaled[63]);
        for (int j = 1; j < 64; j++) {
            assertEquals(Math.pow(500_000, -j / 64.0), plain[j], 1e-7 * plain[j]);
        }
    }

    @Test
    void linearSlowsEveryPair() throws IOException {
        float[] plain = new Rope.Default(1e6).frequencies(64);
        float[] slowed = read("{\"rope_theta\": 1000000, \"rope_scaling\": {\"rope_type\": \"linear\", \"factor\": 8}}")
                .frequencies(64);
        for (int j = 0; j < 32; j++) {
            assertEquals(plain[j] / 8, slowed[j]);
        }
    }

    @Test
    void dynamicGrowsWithTheSequence() throws IOException {
        Rope rope = read("""
                {"max_position_embeddings": 100, "rope_scaling": {"rope_type": "dynamic", "factor": 4}}""");
        assertArrayEquals(new Rope.Default(10_000).frequencies(16), rope.frequencies(16, 100));
        assertArrayEquals(rope.frequencies(16), rope.frequencies(16, 3));
        float[] longer = rope.frequencies(16, 150);
        double theta = 10_000 * Math.pow(4 * 1.5 - 3, 16 / 14.0);
        for (int j = 0; j < 8; j++) {
            assertEquals(Math.pow(theta, -j / 8.0), longer[j], 1e-6 * longer[j]);
        }
    }

    @Test
    void longRopeHasTwoLists() throws IOException {
        String both = "\"rope_scaling\": {\"type\": \"longrope\", \"short_factor\": [1, 1.5], \"long_factor\": [2.5, 40]}";
        Rope rope = read("{\"max_position_embeddings\": 4096, \"original_max_position_embeddings\": 1024, " + both + "}");
        assertEquals(Math.sqrt(1 + Math.log(4) / Math.log(1024)), rope.attentionFactor(), 1e-12);
        assertArrayEquals(new float[] {1, 0.01f / 1.5f}, rope.frequencies(4, 1024), 1e-9f);
        assertArrayEquals(new float[] {1 / 2.5f, 0.01f / 40}, rope.frequencies(4, 1025), 1e-9f);
        assertEquals(1, read("{\"max_position_embeddings\": 1024, " + both + "}").attentionFactor());
        assertTrue(rope.fits(4));
        assertFalse(rope.fits(6));
        assertEquals("Invalid longrope factors: 2 of them (expected 3, one for each pair of 6 dimensions)",
                assertThrows(RefusalException.class, () -> rope.frequencies(6)).getMessage());
    }

    @Test
    void packedSequencesTurnByTheirOwnLength() throws IOException {
        Rope rope = read("""
                {"max_position_embeddings": 3, "rope_scaling": {"rope_type": "dynamic", "factor": 4}}""");
        try (RotaryTable table = new RotaryTable(rope, 6, Device.CPU); Scope scope = Scope.open()) {
            float[] packed = table.at(new long[] {0, 1, 0, 1, 2, 3, 4}).sin().toFloats();
            long[] positions = {0, 1, 0, 1, 2, 3, 4};
            for (int row = 0; row < 7; row++) {
                float[] frequencies = rope.frequencies(6, row < 2 ? 2 : 5);
                for (int j = 0; j < 3; j++) {
                    assertEquals(Math.sin(positions[row] * frequencies[j]), packed[3 * row + j], 1e-6);
                }
            }
        }
    }

    @Test
    void partOfAHeadInBothForms() throws IOException {
        for (String json : new String[] {"{\"partial_rotary_factor\": 0.75}",
            "{\"rope_parameters\": {\"rope_type\": \"default\", \"partial_rotary_factor\": 0.75}}"}) {
            assertEquals(96, Rope.rotaryDim(ConfigJson.of("test", new ObjectMapper().readTree(json)), 128));
        }
        assertEquals(128, Rope.rotaryDim(ConfigJson.of("test", new ObjectMapper().readTree("{}")), 128));
    }

    @Test
    void tablesGrowAndTakeAnyPositions() {
        try (RotaryTable table = new RotaryTable(new Rope.Default(10_000), 4, Device.CPU); Scope scope = Scope.open()) {
            RotaryTable.Rotation early = table.at(new long[] {1});
            float[] mixed = table.at(new long[] {5000, 0, 1}).cos().toFloats();
            assertArrayEquals(new float[] {(float) Math.cos(5000), (float) Math.cos(50), 1, 1,
                (float) Math.cos(1), (float) Math.cos(0.01f)}, mixed, 1e-6f);
            float[] sines = {(float) Math.sin(4999), (float) Math.sin(49.99f), (float) Math.sin(5000), (float) Math.sin(50)};
            assertArrayEquals(sines,
                    table.at(new long[] {4999, 5000}).sin().toFloats(), 1e-5f);
            assertArrayEquals(new float[] {(float) Math.cos(1), (float) Math.cos(0.01f)}, early.cos().toFloats(), 1e-6f);
        }
    }

    private static Rope read(String json) throws IOException {
        ConfigJson config = ConfigJson.of("test", new ObjectMapper().readTree(json));
        Rope rope = Rope.read(config);
        config.refuseUnread("rope");
        return rope;
    }
}
