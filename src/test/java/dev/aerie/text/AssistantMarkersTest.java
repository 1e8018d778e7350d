package dev.aerie.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.aerie.testing.Shared;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class AssistantMarkersTest {

    private static final Map<String, Object> TOKENS = Map.of("bos_token", "<s>", "eos_token", "</s>");

    @Test
    void aTemplateThatTreatsItsLastTurnApart() {
        String thinking = "{% for m in messages %}<|im_start|>{{ m.role }}\n"
                + "{% if m.role == 'assistant' and loop.last %}{{ '<think>\n\n</think>\n\n' }}"
                + "{% endif %}{{ m.content }}<|im_end|>\n\n{% endfor %}";
        assertEquals(new AssistantMarkers("<|im_start|>assistant\n", List.of("<|im_end|>\n\n")), find(thinking, "<|im_end|>"));
        String twoEnds = "{% for m in messages %}<|start|>{{ m.role }}<|message|>{{ m.content }}"
                + "{{ '<|return|>' if loop.last and m.role == 'assistant' else '<|end|>' }}{% endfor %}";
        AssistantMarkers both = find(twoEnds, "<|end|>", "<|return|>", "<|start|>", "<|message|>");
        assertEquals(new AssistantMarkers("<|start|>assistant<|message|>", List.of("<|end|>", "<|return|>")), both);
        String text = "<|start|>user<|message|>a<|end|><|start|>assistant<|message|>b<|end|>"
                + "<|start|>assistant<|message|>c<|return|>";
        assertEquals(List.of("b<|end|>", "c<|return|>"),
                both.spans(text).stream().map(s -> text.substring(s.start(), s.end())).toList());
    }

    @Test
    void anEndThatWasCutOffReachesToTheEnd() {
        AssistantMarkers markers = new AssistantMarkers("A:", List.of("\n"));
        assertEquals(List.of(new Span(2, 4), new Span(6, 7)), markers.spans("A:x\nA:y"));
        assertEquals(List.of(), markers.spans("B:x\n"));
        assertEquals(List.of(new Span(2, 2)), markers.spans("A:"));
    }

    @Test
    void aTemplateWithoutMarkersIsRefusedWithARendering() {
        String message = assertThrows(InvalidTokenizerException.class,
                () -> find("{% for m in messages %}{{ m.content }}{% endfor %}")).getMessage();
        assertTrue(message.contains("data.assistant_header") && message.contains("Uq7firstAq7first"), message);
        message = assertThrows(InvalidTokenizerException.class, () -> find("{{ raise_exception('never') }}")).getMessage();
        assertTrue(message.contains("never (line 1 of the template)"), message);
        message = assertThrows(InvalidTokenizerException.class, () -> find("{{ messages[0].content }}")).getMessage();
        assertTrue(message.contains("does not write all turns"), message);
    }

    @Test
    void ofPublishedTemplates() throws IOException {
        Path folder = Shared.path("golden/text/templates");
        Map<String, AssistantMarkers> expected = Map.ofEntries(
                Map.entry("llama-3.1", of("<|start_header_id|>assistant<|end_header_id|>\n\n", "<|eot_id|>")),
                Map.entry("qwen2.5-instruct", of("<|im_start|>assistant\n", "<|im_end|>\n")),
                Map.entry("qwen3", of("<|im_start|>assistant\n", "<|im_end|>\n")),
                Map.entry("kimi-k2", of("<|im_assistant|>assistant<|im_middle|>", "<|im_end|>")),
                Map.entry("granite-3.0-instruct", of("<|start_of_role|>assistant<|end_of_role|>", "<|end_of_text|>\n")),
                Map.entry("gpt-oss", of("<|start|>assistant<|channel|>final<|message|>", "<|end|>", "<|return|>")));
        for (Map.Entry<String, AssistantMarkers> one : expected.entrySet()) {
            String template = Files.readString(folder.resolve(one.getKey() + ".jinja"));
            assertEquals(one.getValue(), find(template, "<|eot_id|>", "<|im_start|>", "<|im_end|>", "<|im_user|>", "<|end|>",
                    "<|return|>", "<|end_of_text|>", "<|start|>", "<|start_of_role|>", "<|start_header_id|>"), one.getKey());
        }
        // These write blank lines and indentation between turns; what matters is that header and end are found within.
        Map<String, List<String>> within = Map.of(
                "llama-3-instruct", List.of("<|start_header_id|>assistant<|end_header_id|>\n\n", "<|eot_id|>"),
                "gemma-it", List.of("<start_of_turn>model\n", "<end_of_turn>\n"),
                "phi-3", List.of("<|assistant|>\n", "<|end|>\n"),
                "zephyr", List.of("<|assistant|>\n", "</s>\n"),
                "mistral-instruct", List.of("[/INST]", "</s>"),
                "llama-2-chat", List.of("[/INST]", "</s>"),
                "chatml", List.of("<|im_start|>assistant\n", "<|im_end|>\n"));
        for (Map.Entry<String, List<String>> one : within.entrySet()) {
            AssistantMarkers found = find(Files.readString(folder.resolve(one.getKey() + ".jinja")), "<s>", "</s>", "<|end|>",
                    "<|assistant|>", "<|user|>", "<start_of_turn>", "<end_of_turn>", "<|eot_id|>", "<|im_end|>");
            assertTrue(found.header().contains(one.getValue().get(0)), one.getKey() + " " + found);
            assertEquals(1, found.endsOfTurn().size());
            assertTrue(found.endsOfTurn().get(0).strip().equals(one.getValue().get(1).strip()), one.getKey() + " " + found);
        }
    }

    private static AssistantMarkers of(String header, String... ends) {
        return new AssistantMarkers(header, List.of(ends));
    }

    private static AssistantMarkers find(String template, String... addedTokens) {
        return AssistantMarkers.find(ChatTemplate.of(template, TOKENS), List.of(addedTokens));
    }
}
