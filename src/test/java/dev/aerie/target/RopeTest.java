package dev.aerie.target;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.aerie.torch.Device;
import dev.aerie.torch.Scope;
import java.io.IOException;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.junit.jupiter.api.Test;

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
