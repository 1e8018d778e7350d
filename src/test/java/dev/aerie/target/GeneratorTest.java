package dev.aerie.target;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.aerie.testing.Shared;
import dev.aerie.torch.DType;
import dev.aerie.torch.Device;
import java.io.IOException;
import java.nio.file.Path;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;

class GeneratorTest {

    private static final int CASES = 3;

    @Test
    void decodesTokenForTokenAsTransformersDoes() throws IOException {
        Path model = Shared.path("models/gsm-llama-8l");
        JsonNode golden = new ObjectMapper().readTree(Shared.path("golden/decode/gsm-llama-8l.json").toFile());
        try (Target target = Target.load(model, DType.F32, Device.CPU)) {
            Generator generator = Generator.greedy(target);
            for (int i = 0; i < CASES; i++) {
                JsonNode c = golden.path("cases").get(i);
                long[] made = generator.generate(longs(c.path("prompt_ids")), golden.path("max_new_tokens").intValue());
                assertArrayEquals(longs(c.path("continuation")), made, "case " + i + ": " + c.path("question").asText());
            }
        }
    }

    static long[] longs(JsonNode list) {
        return StreamSupport.stream(list.spliterator(), false).mapToLong(JsonNode::longValue).toArray();
    }
}
