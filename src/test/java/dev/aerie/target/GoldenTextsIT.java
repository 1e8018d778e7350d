package dev.aerie.target;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import dev.aerie.testing.Golden;
import dev.aerie.torch.DType;
import dev.aerie.torch.Device;
import dev.aerie.torch.Scope;
import java.io.IOException;
import java.util.List;
import java.util.stream.StreamSupport;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Greedy decoding with a cache, token for token what transformers generates: every kind of attention and of cache. */
class GoldenTextsIT {

    @ParameterizedTest
    @ValueSource(strings = {"deepseek_v2", "deepseek_v3", "gemma2", "gemma3_text", "glm4_moe", "gpt_oss", "kimi_k2", "llama-yarn",
        "llama3", "llama3-8layer", "llama4_text", "mistral", "mixtral", "phi3", "qwen2", "qwen3", "qwen3_moe", "qwen3_next"})
    void decodesTokenForTokenAsTransformersDoes(String family) throws IOException {
        JsonNode golden = Golden.decode(family);
        assertEquals(3, golden.path("cases").size());
        try (Target target = Target.load(Golden.target(family), DType.F32, Device.CPU)) {
            Generator generator = Generator.greedy(target);
            for (JsonNode c : golden.path("cases")) {
                assertArrayEquals(longs(c.path("continuation")),
                        generator.generate(longs(c.path("prompt_ids")), golden.path("max_new_tokens").intValue()));
            }
            // Two at a time: the third joins when one of the others has ended.
            long before = Scope.liveTensors();
            List<long[]> texts = new BatchGenerator(target, 2, 1000).generate(requests(golden));
            assertEquals(before, Scope.liveTensors());
            for (int i = 0; i < texts.size(); i++) {
                assertArrayEquals(longs(golden.path("cases").get(i).path("continuation")), texts.get(i));
            }
        }
    }

    private static List<BatchGenerator.Request> requests(JsonNode golden) {
        return StreamSupport.stream(golden.path("cases").spliterator(), false)
                .map(c -> new BatchGenerator.Request(longs(c.path("prompt_ids")), golden.path("max_new_tokens").intValue())).toList();
    }

    static long[] longs(JsonNode list) {
        return StreamSupport.stream(list.spliterator(), false).mapToLong(JsonNode::longValue).toArray();
    }
}
