package dev.aerie.text;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.aerie.text.EncoderSettings.Rendering;
import dev.aerie.text.EncoderSettings.Supervision;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ConversationEncoderTest {

    private static final List<Message> TURNS = List.of(new Message("user", "hi"), new Message("assistant", "yes"));

    @TempDir
    Path scratch;
    private Path model;

    @BeforeEach
    void makeModel() throws IOException {
        model = TinyModel.create(scratch.resolve("model"), TinyModel.CHATML);
    }

    @Test
    void supervisesTheAnswerAndItsEndOfTurn() throws Exception {
        assertEquals("<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n⟦yes<|im_end|>\n⟧", marked(settings(100), TURNS));
        TokenSequence tokens = encode(settings(100), TURNS);
        assertEquals(5, tokens.supervisedCount());
    }

    @Test
    void offsetsCountUtf16AndPiecesOfOneCharacterGoTogether() throws Exception {
        List<Message> turns = List.of(new Message("user", "🤔🤔 ¿?"), new Message("assistant", "🎉 四"), new Message("user", "🤔"),
                new Message("assistant", "é"));
        assertEquals("<|im_start|>user\n🤔🤔 ¿?<|im_end|>\n<|im_start|>assistant\n⟦🎉 四<|im_end|>\n⟧<|im_start|>user\n🤔<|im_end|>\n"
                + "<|im_start|>assistant\n⟦é<|im_end|>\n⟧", marked(settings(200), turns));
        // 4 + 1 + 3 bytes, the marker and the newline; 2 bytes, marker, newline.
        assertEquals(10 + 4, encode(settings(200), turns).supervisedCount());
    }

    /** SpecForge's tokenisation of the prefix alone agrees: a token across the header's end is the prompt's. */
    @Test
    void aTokenThatBeginsInTheHeaderIsNotSupervised() throws Exception {
        List<Message> turns = List.of(new Message("user", "hi"), new Message("assistant", "\nyes"));
        assertEquals("<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n\n⟦yes<|im_end|>\n⟧", marked(settings(100), turns));
    }

    /** The newline after the end of turn is white space alone: trimmed offsets would put it outside. */
    @Test
    void whiteSpaceKeepsItsOffsets() throws Exception {
        TokenSequence tokens = encode(settings(100), TURNS);
        assertTrue(tokens.lossMask()[tokens.length() - 1]);
        assertEquals("<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\nyes<|im_end|>\n", decode(tokens));
    }

    @Test
    void systemPromptComesOnlyWhereThereIsNone() throws Exception {
        EncoderSettings prompted = settings(100).with(Rendering.PLAIN.withSystemPrompt("Be kind."));
        assertTrue(marked(prompted, TURNS).startsWith("<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\nhi"));
        List<Message> own = List.of(new Message("system", "Brief."), TURNS.get(0), TURNS.get(1));
        assertTrue(marked(prompted, own).startsWith("<|im_start|>system\nBrief.<|im_end|>\n<|im_start|>user\nhi"));
    }

    @Test
    void tooLongIsCutOrRefused() throws Exception {
        int length = encode(settings(1000), TURNS).length();
        assertEquals(length - 2, encode(settings(length - 2), TURNS).length());
        assertEquals("no supervised token among the first 10, where it is cut", refusal(settings(10), TURNS));
        EncoderSettings refusing = EncoderSettings.of(model.toString(), length - 1, OverLength.QUARANTINE);
        assertEquals("over length: " + length + " tokens (expected at most " + (length - 1) + ")", refusal(refusing, TURNS));
    }

    @Test
    void longTextIsNotCutByTheTokenizer() throws Exception {
        List<Message> turns = List.of(new Message("user", "x".repeat(50_000)), new Message("assistant", "y".repeat(50_000)));
        assertEquals(50_002, encode(settings(1_000_000), turns).supervisedCount());
    }

    @Test
    void onlyTheLastTurnWhereThatIsAsked() throws Exception {
        List<Message> turns = List.of(TURNS.get(0), TURNS.get(1), new Message("user", "so"), new Message("assistant", "no"));
        EncoderSettings last = settings(100).with(new Supervision(null, null, true, 1));
        assertEquals(4, encode(last, turns).supervisedCount());
        assertEquals(5 + 4, encode(settings(100), turns).supervisedCount());
    }

    @Test
    void specforgeDropsWhatIsOutOfOrder() throws Exception {
        List<Message> turns = List.of(
                new Message("assistant", "ad"), TURNS.get(0), TURNS.get(1), new Message("assistant", "more"));
        EncoderSettings specforge = EncoderSettings.specforge(model.toString(), null, 100, false);
        assertArrayEquals(encode(settings(100), TURNS).inputIds(), encode(specforge, turns).inputIds());
        assertEquals("wrong role order: turn 1 is assistant and the first", refusal(settings(100), turns));
    }

    @Test
    void renderedTextIsTakenAsItIs() throws Exception {
        try (ConversationEncoder encoder = new ConversationEncoder(settings(100))) {
            Conversation text = Conversation.ofText("t", "s", "Q<|im_start|>assistant\nA");
            assertEquals("Q<|im_start|>assistant\n⟦A⟧", new MaskPreview(false).marked(encoder.masked(text)));
            assertEquals("Q<|im_start|>assistant\n\u001b[30;42mA\u001b[0m", new MaskPreview(true).marked(encoder.masked(text)));
            assertTrue(encoder.preview(text).startsWith("13 tokens, 1 supervised (7.7 %)"), encoder.preview(text));
            Conversation none = Conversation.ofText("t", "s", "no header here");
            assertEquals("no supervised token: the assistant header is not in the rendered text",
                    assertThrows(UnusableConversationException.class, () -> encoder.encode(none)).getMessage());
        }
    }

    @Test
    void whatTheTemplateRefusesSaysWhyAndWhere() throws Exception {
        TinyModel.create(model, TinyModel.CHATML.replace("{% endfor %}",
                "{% if 'forbidden' in m.content %}\n{{ raise_exception('No such word') }}{% endif %}{% endfor %}"));
        List<Message> turns = List.of(new Message("user", "forbidden"), TURNS.get(1));
        assertEquals("the chat template refuses it: No such word (line 2 of the template)", refusal(settings(100), turns));
        try (ConversationEncoder encoder = new ConversationEncoder(settings(100))) {
            assertEquals("c1 cannot be rendered: No such word (line 2 of the template)",
                    encoder.preview(Conversation.of("c1", "s", turns)));
        }
    }

    /** Nothing tells the answer from what the tool said. */
    @Test
    void resultsOfToolsAreNeverSupervised() throws Exception {
        TinyModel.create(model, "{% for m in messages %}{% if m.role == 'user' %}<|im_start|>{{ m.content }}<|im_end|>"
                + "{% elif m.role == 'tool' %}[{{ m.content }}]{% else %}{% if messages[loop.index0 - 1].role == 'user' %}"
                + "<s>{% endif %}{{ m.content }}{% if loop.last or messages[loop.index0 + 1].role == 'user' %}<|im_end|>{% "
                        + "endif %}"
                + "{% endif %}{% endfor %}");
        List<Message> turns = List.of(TURNS.get(0), TURNS.get(1), new Message("tool", "42"), new Message("assistant", "so"));
        assertEquals("the chat template writes results of tools inside the assistant's text, where the loss mask cannot tell "
                + "them "
                + "apart (expected none, or data.end_of_turn in the recipe)", refusal(settings(100), turns));
        assertEquals("<|im_start|>hi<|im_end|><s>⟦yes<|im_end|>⟧", marked(settings(100), TURNS));
        EncoderSettings named = settings(100).with(new Supervision(null, "[", false, 1));
        assertEquals("<|im_start|>hi<|im_end|><s>⟦yes[⟧42]so<|im_end|>", marked(named, turns));
    }

    @Test
    void aQuotedHeaderIsNotTheAssistants() throws Exception {
        List<Message> turns = List.of(new Message("user", "what is <|im_start|>assistant\nfor?"), TURNS.get(1));
        assertEquals("turn 1 has the assistant header in its text", refusal(settings(100), turns));
        EncoderSettings specforge = EncoderSettings.specforge(model.toString(), null, 100, false);
        assertTrue(marked(specforge, turns).contains("⟦for?<|im_end|>\n⟧"));
        List<Message> own = List.of(TURNS.get(0), new Message("assistant", "<|im_start|>assistant\n"));
        assertTrue(marked(settings(100), own).endsWith("⟦<|im_start|>assistant\n<|im_end|>\n⟧"));
    }

    @Test
    void halfASurrogatePairIsNoText() throws Exception {
        assertEquals("invalid text: half a surrogate pair",
                refusal(settings(100), List.of(new Message("user", "a\ud83d"), TURNS.get(1))));
    }

    @Test
    void markersMayBeNamed() throws Exception {
        EncoderSettings named = settings(100).with(new Supervision("assistant\n", "es", false, 1));
        assertEquals("<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n⟦yes⟧<|im_end|>\n", marked(named, TURNS));
    }

    @Test
    void templateFileReplacesTheFolders() throws Exception {
        Path other = Files.writeString(scratch.resolve("other.jinja"), TinyModel.CHATML.replace("m.role", "m.role|upper")
                .replace("'<|im_start|>assistant", "'<|im_start|>ASSISTANT"));
        EncoderSettings replaced = settings(100).with(Rendering.PLAIN.withTemplate(Files.readString(other)));
        assertEquals("<|im_start|>USER\nhi<|im_end|>\n<|im_start|>ASSISTANT\n⟦yes<|im_end|>\n⟧", marked(replaced, TURNS));
        try (ConversationEncoder a = new ConversationEncoder(replaced);
                ConversationEncoder b = new ConversationEncoder(settings(9))) {
            assertTrue(!a.templateFingerprintText().equals(b.templateFingerprintText()));
        }
    }

    @Test
    void toolsReachTheTemplateAndItsNamedVariant() throws Exception {
        Files.delete(model.resolve("chat_template.jinja"));
        String withTools = "{{ tools|tojson }}" + TinyModel.CHATML;
        new ObjectMapper().writeValue(model.resolve("tokenizer_config.json").toFile(), Map.of("chat_template", List.of(
                Map.of("name", "tool_use", "template", withTools), Map.of("name", "default", "template", TinyModel.CHATML))));
        try (ConversationEncoder encoder = new ConversationEncoder(settings(200))) {
            Conversation plain = Conversation.of("c", "s", TURNS);
            Conversation tooled = Conversation.of("c", "s", TURNS, List.of(Map.of("n", 1)));
            assertTrue(encoder.masked(plain).text().startsWith("<|im_start|>user"));
            assertTrue(encoder.masked(tooled).text().startsWith("[{\"n\": 1}]<|im_start|>user"));
        }
        // As transformers 5 writes the same two.
        Files.writeString(model.resolve("chat_template.jinja"), TinyModel.CHATML);
        Files.writeString(Files.createDirectory(model.resolve("additional_chat_templates")).resolve("tool_use.jinja"), "T"
                + withTools);
        try (ConversationEncoder encoder = new ConversationEncoder(settings(200))) {
            assertTrue(encoder.masked(Conversation.of("c", "s", TURNS)).text().startsWith("<|im_start|>user"));
            assertTrue(encoder.masked(Conversation.of("c", "s", TURNS, List.of(Map.of("n", 1)))).text().startsWith("T[{"));
        }
    }

    @Test
    void foldersThatAreNoModelsAreNamed() throws Exception {
        Path empty = Files.createDirectory(scratch.resolve("empty"));
        assertTrue(invalid(empty).contains("has no chat template"), invalid(empty));
        Files.writeString(empty.resolve("chat_template.jinja"), TinyModel.CHATML);
        assertTrue(invalid(empty).contains("has no tokenizer.json"), invalid(empty));
        Files.writeString(empty.resolve("tokenizer.json"), "{\"model\": {\"type\": \"BPE\"");
        assertTrue(invalid(empty).contains("cannot be read"), invalid(empty));
        Files.writeString(empty.resolve("tokenizer.json"), "{}");
        assertTrue(invalid(empty).contains("describes no model"), invalid(empty));
        Files.writeString(empty.resolve("chat_template.jinja"), "\n{% if %}");
        assertTrue(invalid(empty).contains("line 2 of the template"), invalid(empty));
    }

    @Test
    void tokenizerAndEmbeddingMustBelongTogether() {
        try (ConversationEncoder encoder = new ConversationEncoder(settings(9))) {
            assertEquals(TinyModel.TOKENS, encoder.vocabSize());
            encoder.requireFits(TinyModel.TOKENS);
            encoder.requireFits(TinyModel.TOKENS + 1069);
            for (int rows : new int[] {TinyModel.TOKENS - 1, 128_256}) {
                String message = assertThrows(InvalidTokenizerException.class, () -> encoder.requireFits(rows)).getMessage();
                assertTrue(message.contains("261 tokens and the target's embedding " + rows + " rows"), message);
            }
        }
    }

    private String invalid(Path folder) {
        EncoderSettings settings = EncoderSettings.of(folder.toString(), 10, OverLength.TRUNCATE);
        return assertThrows(InvalidTokenizerException.class, () -> new ConversationEncoder(settings)).getMessage();
    }

    private EncoderSettings settings(int maxLength) {
        return EncoderSettings.of(model.toString(), maxLength, OverLength.TRUNCATE);
    }

    private static TokenSequence encode(EncoderSettings settings, List<Message> turns) throws Exception {
        try (ConversationEncoder encoder = new ConversationEncoder(settings)) {
            return encoder.encode(Conversation.of("c1", "s", turns));
        }
    }

    private static String refusal(EncoderSettings settings, List<Message> turns) {
        return assertThrows(UnusableConversationException.class, () -> encode(settings, turns)).getMessage();
    }

    private static String marked(EncoderSettings settings, List<Message> turns) throws Exception {
        try (ConversationEncoder encoder = new ConversationEncoder(settings)) {
            return new MaskPreview(false).marked(encoder.masked(Conversation.of("c1", "s", turns)));
        }
    }

    private String decode(TokenSequence tokens) {
        try (Tokenizer tokenizer = Tokenizer.fromFolder(model)) {
            return tokenizer.decode(tokens.inputIds());
        }
    }
}
