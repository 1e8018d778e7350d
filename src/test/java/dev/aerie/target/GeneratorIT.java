package dev.aerie.target;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.aerie.testing.Shared;
import dev.aerie.torch.DType;
import dev.aerie.torch.Device;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

class GeneratorIT {

    @Tag(Shared.TAG)
    @Test
    void decodesEveryGoldenPromptTokenForToken() throws IOException {
        Path model = Shared.path("models/gsm-llama-8l");
        JsonNode golden = new ObjectMapper().readTree(Shared.path("golden/decode/gsm-llama-8l.json").toFile());
        try (Target target = Target.load(model, DType.F32, Device.CPU)) {
            Generator generator = Generator.greedy(target);
            for (JsonNode c : golden.path("cases")) {
                assertArrayEquals(GoldenTextsIT.longs(c.path("continuation")),
                        generator.generate(GoldenTextsIT.longs(c.path("prompt_ids")), golden.path("max_new_tokens")
                                .intValue()),
                        c.path("question").asText());
            }
        }
    }
}
