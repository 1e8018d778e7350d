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
import org.junit.jupiter.api.Tag;
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

    /** As GLM writes it: the next turn's header is what stops the target, and an answer without a thought has an empty one. */
    @Test
    void aTemplateThatClosesNoTurn() {
        String template = "{% for m in messages %}{% if m.role == 'assistant' %}<|assistant|>\n"
                + "<think>{{ m.reasoning_content }}</think>\n{{ m.content }}{% for c in m.tool_calls %}<call>{{ "
                        + "c.function.name }}</call>"
                + "{% endfor %}{% elif m.role == 'tool' %}<|observation|>\n{{ m.content }}{% else %}<|user|>\n{{ m.content "
                        + "}}{% endif %}"
                + "{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}";
        String[] tokens = {"<|user|>", "<|assistant|>", "<|observation|>", "<think>", "</think>"};
        AssistantMarkers found = find(template, tokens);
        assertEquals(new AssistantMarkers("<|assistant|>", List.of(), List.of("<|user|>", "<|observation|>"), true), found);
        String text = "<|user|>\nq<|assistant|>\n<think>t</think>\na<call>f</call><|observation|>\nr<|assistant|>\n<think></think>\nb"
                + "<|user|>\nq<|assistant|>\n<think></think>\nc";
        assertEquals(List.of("\n<think>t</think>\na<call>f</call>", "\n<think></think>\nb", "\n<think></think>\nc"),
                found.spans(text).stream().map(s -> text.substring(s.start(), s.end())).toList());
        assertEquals(new AssistantMarkers("<|assistant|>", List.of("END")), found.with(null, "END"));
    }

    /** As Kimi-K2-Thinking and Nemotron write it: one lets the target open its thought, the other opens it itself. */
    @Test
    void anEmptyThoughtIsNotPartOfTheHeader() {
        String template = "{% for m in messages %}<|im_start|>{{ m.role }}\n{% if m.role == 'assistant' %}"
                + "<think>{{ m.reasoning_content }}</think>{% endif %}{{ m.content }}<|im_end|>\n{% endfor %}"
                + "{% if add_generation_prompt %}<|im_start|>assistant\nPROMPT{% endif %}";
        String[] tokens = {"<|im_start|>", "<|im_end|>", "<think>", "</think>"};
        assertEquals(new AssistantMarkers("<|im_start|>assistant\n", List.of("<|im_end|>\n")),
                find(template.replace("PROMPT", ""), tokens));
        assertEquals(new AssistantMarkers("<|im_start|>assistant\n<think>", List.of("<|im_end|>\n")),
                find(template.replace("PROMPT", "<think>"), tokens));
        String hidden = template.replace("m.reasoning_content", "''");
        assertEquals(new AssistantMarkers("<|im_start|>assistant\n<think></think>", List.of("<|im_end|>\n")),
                find(hidden.replace("PROMPT", ""), tokens));
    }

    @Test
    void aHeaderBeginsWithAWholeTokenAndWithNoSpace() {
        String closing = "{% for m in messages %}  <|{{ m.role }}|>\n{{ m.content }}<|end|>{% endfor %}"
                + "{% if not add_generation_prompt %}  <|stop|>{% endif %}";
        assertEquals(new AssistantMarkers("<|assistant|>\n", List.of("<|end|>  ")),
                find(closing, "<|user|>", "<|assistant|>", "<|end|>", "<|stop|>"));
        String turns = "{% for m in messages %}{% if m.role == 'user' %}<|user|>{{ m.content }}<|end|>\n<|assistant|>\n"
                + "{% else %}{{ m.content }}<|end|>\n{% endif %}{% endfor %}";
        assertEquals(new AssistantMarkers("<|assistant|>\n", List.of("<|end|>\n")),
                find(turns, "<|user|>", "<|assistant|>", "<|end|>"));
    }

    /**
     * A tool's result is never supervised: there a border ends the span, or the template's conversations with tools are refused.
     */
    @Test
    void resultsOfToolsInsideATurn() {
        String template = "{% for m in messages %}{% if m.role == 'user' %}{% if not loop.first %}<|end|>{% endif %}<|user|>"
                + "{{ m.content }}<|end|>{% elif m.role == 'tool' %}<result>{{ m.content }}{% else %}"
                + "{% if messages[loop.index0 - 1].role == 'user' %}<|model|>{% endif %}{{ m.content }}"
                + "{% if loop.last %}<|end|>{% endif %}{% endif %}{% endfor %}";
        String[] tokens = {"<|user|>", "<|model|>", "<|end|>"};
        assertEquals(new AssistantMarkers("<|model|>", List.of("<|end|>"), List.of(), false), find(template, tokens));
        assertEquals(new AssistantMarkers("<|model|>", List.of("<|end|>"), List.of("<result>"), true),
                find(template, "<|user|>", "<|model|>", "<|end|>", "<result>"));
        String closing = template.replace("{{ m.content }}{% if loop.last %}",
                "{{ m.content }}{% if m.tool_calls %}f()</call>{% elif loop.last %}");
        assertEquals(new AssistantMarkers("<|model|>", List.of("<|end|>", "</call>"), List.of(), true),
                find(closing, "<|user|>", "<|model|>", "<|end|>", "</call>"));
    }

    /** gpt-oss's recipe for all channels: its calls end with a token that ends nothing else. */
    @Test
    void aNamedHeaderSparesResultsToo() {
        ChatTemplate template =
                ChatTemplate.of("{% for m in messages %}{% if m.role == 'tool' %}<|start|>fn to=assistant<|message|>"
                + "{{ m.content }}<|end|>{% elif m.tool_calls %}<|start|>assistant to=fn<|message|>{{ m.tool_calls|tojson "
                        + "}}<|call|>"
                + "{% else %}<|start|>{{ m.role }}<|channel|>final<|message|>{{ m.content }}<|end|>{% endif %}{% endfor %}",
                        TOKENS);
        List<String> tokens = List.of("<|start|>", "<|message|>", "<|end|>", "<|call|>", "<|channel|>");
        AssistantMarkers found = AssistantMarkers.find(template, tokens);
        assertEquals(new AssistantMarkers("<|start|>assistant<|channel|>final<|message|>", List.of("<|end|>")), found);
        assertEquals(new AssistantMarkers("<|start|>assistant", List.of("<|end|>"), List.of("<|start|>"), true),
                found.with("<|start|>assistant", null).sparing(template, tokens));
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

    @Tag(Shared.TAG)
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
