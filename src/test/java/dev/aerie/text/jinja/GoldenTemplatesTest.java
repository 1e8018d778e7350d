package dev.aerie.text.jinja;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.aerie.testing.Shared;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** 13 published templates, rendered by transformers; also the errors that they raise. */
class GoldenTemplatesTest {

    private static final ObjectMapper JSON =
            JsonMapper.builder().enable(com.fasterxml.jackson.databind.DeserializationFeature.USE_LONG_FOR_INTS).build();

    @Tag(Shared.TAG)
    @Test
    void rendersWhatTransformersRenders() throws IOException {
        Path folder = Shared.path("golden/text/templates");
        JsonNode golden = JSON.readTree(folder.resolve("rendered.json").toFile());
        Map<String, Template> templates = new TreeMap<>();
        int compared = 0;
        for (JsonNode one : golden.get("cases")) {
            String name = one.get("template").asText();
            if (!templates.containsKey(name)) {
                templates.put(name, Template.parse(Files.readString(folder.resolve(name + ".jinja"))));
            }
            Map<String, Object> variables = JSON.convertValue(one.get("variables"), new TypeReference<>() {});
            variables.put("messages", JSON.convertValue(golden.get("chats").get(one.get("chat").asText()), Object.class));
            variables.put("tools", one.get("tools").asBoolean() ? JSON.convertValue(golden.get("tools"), Object.class) : null);
            variables.put("add_generation_prompt", one.get("add_generation_prompt").asBoolean());
            String description = name + ", " + one.get("chat").asText() + ", tools " + one.get("tools") + ", prompt "
                    + one.get("add_generation_prompt");
            if (one.has("error")) {
                TemplateException raised = assertThrows(TemplateRaisedException.class,
                        () -> templates.get(name).render(variables), description);
                assertEquals(one.get("error").asText(), "TemplateError: " + raised.reason(), description);
            } else {
                assertEquals(one.get("rendered").asText(), templates.get(name).render(variables), description);
            }
            compared++;
        }
        assertEquals(260, compared);
        assertEquals(13, templates.size());
    }
}
