package dev.aerie.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.aerie.text.EncoderSettings.Rendering;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.List;
import java.util.Map;
import java.util.TimeZone;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What becomes of each field of a record: it is in the text, it is named, or it is known to have no effect. */
class RecordFieldsTest {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String CHAT =
            "\"messages\":[{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"assistant\",\"content\":\"a\"}]";
    private static final String TOOLS = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content or '' }}"
            + "{% if m.tool_calls %}{% for c in m.tool_calls %}[{{ c.function.name }}ARGS]{% endfor %}{% endif %}"
            + "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

    @TempDir
    Path scratch;
    private Path model;

    @BeforeEach
    void create() throws Exception {
        model = TinyModel.create(scratch.resolve("model"), TinyModel.CHATML);
    }

    @Test
    void aSystemPromptBesideTheTurnsOpensThem() throws Exception {
        for (String name : List.of("system", "system_prompt")) {
            String record = "{\"" + name + "\":\"Be kind.\"," + CHAT + "}";
            assertTrue(text(record).startsWith("<|im_start|>system\nBe kind.<|im_end|>"), name);
            assertEquals(List.of(), unread(record));
        }
        String twice = "{\"system\":\"Other\",\"messages\":[{\"role\":\"system\",\"content\":\"s\"},{\"role\":\"user\","
                + "\"content\":\"q\"},{\"role\":\"assistant\",\"content\":\"a\"}]}";
        assertEquals(List.of("system"), unread(twice));
        assertEquals(List.of("instructions", "notes"), unread("{\"instructions\":\"x\",\"notes\":[1],\"id\":\"i\",\"score\":1,"
                + "\"empty\":\"\",\"none\":null," + CHAT + "}"));
    }

    @Test
    void aThoughtGoesUnderTheNameThatTheTemplateReads() throws Exception {
        for (String read : Thoughts.NAMES) {
            template("{% for m in messages %}<|im_start|>{{ m.role }}\n{% if m." + read + " %}({{ m." + read
                    + " }}){% endif %}{{ m.content }}<|im_end|>\n{% endfor %}");
            for (String given : Thoughts.NAMES) {
                String record = thinking("\"content\":\"a\",\"" + given + "\":\"because\"");
                assertTrue(text(record).contains("(because)a"), read + " of " + given);
                assertEquals(List.of(), unread(record));
            }
            assertTrue(text(thinking("\"content\":[{\"type\":\"thinking\",\"thinking\":\"because\"},{\"type\":\"text\","
                    + "\"text\":\"a\"}]")).contains("(because)a"), read);
        }
        template(TinyModel.CHATML);
        assertEquals(List.of("messages[].reasoning"), unread(thinking("\"content\":\"a\",\"reasoning\":\"because\"")));
    }

    @Test
    void aTurnOfWeightZeroIsNotLearnedFrom() throws Exception {
        for (String field : List.of("\"weight\":0", "\"weight\":0.0", "\"train\":false")) {
            String record = "{\"messages\":[{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"assistant\",\"content\":\"no\","
                    + field
                    + "},{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"assistant\",\"content\":\"yes\",\"weight\":1}]}";
            assertTrue(marked(record).contains("\nno<|im_end|>") && marked(record).contains("⟦yes<|im_end|>\n⟧"), marked(record));
        }
        assertTrue(refusal(thinking("\"content\":\"a\",\"weight\":0.5")).contains("weight of 0.5 (expected 0 or 1)"));
        assertTrue(refusal(thinking("\"content\":\"a\",\"weight\":0")).contains("no supervised token"));
    }

    @Test
    void templateVariablesAndDocumentsReachTheTemplate() throws Exception {
        String record = "{\"chat_template_kwargs\":{\"style\":\"terse\"},\"documents\":[{\"title\":\"t\"}]," + CHAT + "}";
        assertEquals(List.of("chat_template_kwargs.style", "documents"), unread(record));
        template("{{ style }}{% for d in documents or [] %}{{ d.title }}{% endfor %}" + TinyModel.CHATML);
        assertTrue(text(record).startsWith("terset<|im_start|>"), text(record));
        assertEquals(List.of(), unread(record));
        EncoderSettings told = settings().with(Rendering.PLAIN.withVariables(Map.of("style", "long")));
        assertTrue(text(told, "{" + CHAT + "}").startsWith("long<"));
        assertTrue(text(told, record).startsWith("terse"));
        try (ConversationEncoder a = new ConversationEncoder(told); ConversationEncoder b = new ConversationEncoder(settings())) {
            assertNotEquals(a.templateFingerprintText(), b.templateFingerprintText());
        }
    }

    @Test
    void nullIsAbsentEverywhere() throws Exception {
        String[][] pairs = {
            {"{\"conversations\":null,\"data\":null,\"text\":null,\"tools\":null," + CHAT + "}", "{" + CHAT + "}"},
            {"{\"data\":{\"src\":\"x\"}," + CHAT + "}", "{" + CHAT + "}"},
            {"{\"conversations\":[{\"from\":\"human\",\"value\":\"q\",\"role\":null,\"content\":null},{\"from\":\"gpt\",\"value\":\"a\","
                    + "\"content\":null}]}", "{" + CHAT + "}"},
            {calling("{\"town\":\"x\",\"n\":null,\"in\":{\"m\":null,\"k\":1}}"), calling("{\"town\":\"x\",\"in\":{\"k\":1}}")},
        };
        for (String[] pair : pairs) {
            assertEquals(parse(pair[1]).messages(), parse(pair[0]).messages(), pair[0]);
        }
    }

    @Test
    void argumentsComeInTheFormThatTheTemplateRenders() throws Exception {
        List<String> given = List.of("{\"town\":\"x\"}", JSON.writeValueAsString("{\"town\":\"x\"}"),
                JSON.writeValueAsString("{\"town\": \"x\"}"));
        for (String prints : List.of(" }}{{ c.function.arguments|tojson }}{{ '", "' + c.function.arguments + '",
                "' ~ c.function.arguments ~ '",
                        " }}{% for k, v in c.function.arguments.items() %}{{ k }}={{ v }}{% endfor %}{{ '")) {
            template(TOOLS.replace("{{ c.function.name }}ARGS", "{{ '" + prints + "' }}").replace("{{ ' }}", ""));
            for (String arguments : given) {
                String text = text(calling(arguments));
                assertTrue(text.contains("[{\"town\": \"x\"}]") || text.contains("[town=x]"), prints + ": " + text);
            }
        }
        template(TOOLS.replace("ARGS", "{{ c.function.arguments|tojson }}"));
        for (String empty : List.of("null", "\"\"", "{}")) {
            assertTrue(text(calling(empty)).contains("[w{}]"), empty);
        }
        assertTrue(text(calling("{}").replace("\"tool_calls\":[", "\"x\":[").replace("\"content\":null",
                "\"content\":null,\"function_call\":{\"name\":\"w\",\"arguments\":\"{\\\"a\\\":1}\"}"))
                        .contains("[w{\"a\": 1}]"));
    }

    @Test
    void agentTracesAreReadAsEnginesSeeThem() throws Exception {
        template(TOOLS.replace("ARGS", "{{ c.function.arguments|tojson }}"));
        String call = "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]}";
        for (String trace : List.of(
                call + ",{\"role\":\"tool\",\"content\":\"r\"},{\"role\":\"user\",\"content\":\"stop\"}",
                "{\"role\":\"assistant\",\"content\":\"look\"}," + call + ",{\"role\":\"tool\",\"content\":null}",
                call + ",{\"role\":\"tool\",\"content\":{\"t\":3}}", call + ",{\"role\":\"tool\",\"content\":\"\"}",
                "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[]},{\"role\":\"user\",\"content\":\"b\"}",
                "{\"role\":\"assistant\",\"content\":\"b\"},{\"role\":\"system\",\"content\":\"s\"},{\"role\":\"user\",\"content\":\"b\"}")) {
            String record = "{\"messages\":[{\"role\":\"user\",\"content\":\"q\"}," + trace
                    + ",{\"role\":\"assistant\",\"content\":\"end\"}]}";
            assertTrue(marked(record).endsWith("⟦end<|im_end|>\n⟧"), record);
        }
        template(TOOLS.replace("m.content or ''", "'' + m.content").replace("ARGS", "{{ c.function.arguments|tojson }}"));
        assertTrue(marked(calling("{}")).endsWith("⟦[w{}]<|im_end|>\n⟧"));
        String unanswered = "{\"messages\":[{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"user\",\"content\":\"r\"},{\"role\":\"assistant\","
                + "\"content\":\"a\"}]}";
        assertTrue(ConversationReader.record(JSON.readTree(unanswered), "f", 0, ConversationFormat.AUTO) instanceof Rejection);
    }

    @Test
    void anAnswerThatQuotesItsEndIsRefusedAndShownAsRefused() throws Exception {
        for (String answer : List.of("Write <|im_end|>\\nand go on.", "Hi<|im_end|>", "<|im_end|>")) {
            String record = thinking("\"content\":\"" + answer + "\"");
            assertTrue(refusal(record).startsWith("turn 2 quotes an end of turn"), answer);
            try (ConversationEncoder encoder = new ConversationEncoder(settings())) {
                assertTrue(encoder.preview(parse(record)).startsWith("quarantined: " + refusal(record)));
            }
        }
        String user = "{\"messages\":[{\"role\":\"user\",\"content\":\"Say "
                + "<|im_end|>\"},{\"role\":\"assistant\",\"content\":\"Hi</s>\"}]}";
        assertTrue(marked(user).endsWith("⟦Hi</s><|im_end|>\n⟧"));
    }

    @Test
    void theDateIsASettingWhateverTheZone() throws Exception {
        template("{{ strftime_now('%d %b %Y %H') }}" + TinyModel.CHATML);
        EncoderSettings settings = settings().with(Rendering.PLAIN.withDate(LocalDate.of(2024, 2, 29)));
        TimeZone zone = TimeZone.getDefault();
        try {
            for (String other : List.of("Pacific/Kiritimati", "Etc/GMT+12", "UTC")) {
                TimeZone.setDefault(TimeZone.getTimeZone(other));
                assertTrue(text(settings, "{" + CHAT + "}").startsWith("29 Feb 2024 00<"), other);
            }
        } finally {
            TimeZone.setDefault(zone);
        }
        try (ConversationEncoder a = new ConversationEncoder(settings);
                ConversationEncoder b = new ConversationEncoder(
                        settings().with(Rendering.PLAIN.withDate(LocalDate.of(2024, 3, 1))))) {
            assertEquals(LocalDate.of(2024, 2, 29), a.writtenDate().orElseThrow());
            assertNotEquals(a.templateFingerprintText(), b.templateFingerprintText());
        }
    }

    @Test
    void strictTrainingNeedsTwoNeighbours() throws Exception {
        template("{% for m in messages %}{% if m.role == 'user' %}<|im_start|>user\n{{ m.content }}{% else "
                + "%}<|im_start|>assistant\n"
                + "{{ m.content }}{% endif %}{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}");
        String record = thinking("\"content\":\"4\"");
        assertEquals(1, encode(settings(), record).supervisedCount());
        EncoderSettings inStrictMode = settings().with(new EncoderSettings.Supervision(null, null, false, 2));
        UnusableConversationException none =
                assertThrows(UnusableConversationException.class, () -> encode(inStrictMode, record));
        assertTrue(none.getMessage().startsWith("no loss row"), none.getMessage());
        assertEquals(2, encode(inStrictMode, thinking("\"content\":\"42\"")).supervisedCount());
    }

    @Test
    void noThoughtIsLostInSilence() throws Exception {
        template("{% for m in messages %}<|im_start|>{{ m.role }}\n{% if m.role == 'assistant' and m.reasoning_content %}"
                + "({{ m.reasoning_content }}){% endif %}{{ m.content }}<|im_end|>\n{% endfor %}");
        for (String answer : List.of("\"content\":\"a\",\"reasoning\":\"because\",\"reasoning_content\":\"\"",
                "\"content\":\"a\",\"reasoning\":\"because\",\"reasoning_content\":\"because\"",
                "\"content\":[{\"type\":\"reasoning\",\"text\":\"because\"},{\"type\":\"text\",\"text\":\"a\"}]",
                "\"content\":[{\"type\":\"thinking\",\"thinking\":[{\"type\":\"text\",\"text\":\"because\"}]},\"a\"]")) {
            assertTrue(text(thinking(answer)).contains("(because)a"), answer);
            assertEquals(List.of(), unread(thinking(answer)), answer);
        }
        for (String answer : List.of("\"content\":\"a\",\"reasoning\":\"another\",\"reasoning_content\":\"because\"",
                "\"content\":\"a\",\"reasoning\":[\"because\"]", "\"content\":\"a\",\"reasoning\":{\"text\":\"because\"}")) {
            assertEquals(List.of("messages[].reasoning"), unread(thinking(answer)), answer);
        }
        assertEquals(List.of("messages[].thinking"),
                unread("{\"messages\":[{\"role\":\"user\",\"content\":\"q\",\"thinking\":\"x\"},"
                + "{\"role\":\"assistant\",\"content\":\"a\"}]}"));
    }

    @Test
    void whatStandsBesideTheFieldThatIsReadIsNamed() throws Exception {
        String text = "\"text\":\"<|im_start|>user\\nq<|im_end|>\\n<|im_start|>assistant\\na<|im_end|>\\n\"";
        assertEquals(List.of("text"), unread("{" + text + "," + CHAT + "}"));
        assertEquals(List.of("messages"), unread("{\"conversations\":[{\"from\":\"human\",\"value\":\"q\"},{\"from\":\"gpt\","
                + "\"value\":\"b\"}]," + CHAT + "}"));
        assertEquals(List.of("data"), unread("{\"data\":{\"src\":\"x\"}," + CHAT + "}"));
        assertEquals(List.of("chat_template_kwargs", "documents", "system", "tools"), unread("{" + text
                + ",\"chat_template_kwargs\":{\"a\":1},\"documents\":[{}],\"system\":\"s\",\"tools\":[{}]}"));
        template("{{ tools }}{{ documents }}" + TinyModel.CHATML);
        assertEquals(List.of("documents", "functions"), unread("{\"tools\":[{\"name\":\"f\"}],\"functions\":[{\"name\":\"g\"}],"
                + "\"documents\":\"a text\"," + CHAT + "}"));
        assertEquals(List.of("chat_template_kwargs.messages", "chat_template_kwargs.tools"),
                unread("{\"chat_template_kwargs\":{\"messages\":[],\"tools\":[1]}," + CHAT + "}"));
        InputRecord list = ConversationReader.record(JSON.readTree("{\"chat_template_kwargs\":[1]," + CHAT + "}"), "f", 0,
                ConversationFormat.AUTO);
        assertTrue(list instanceof Rejection rejection && rejection.reason().contains("is no object"), list.toString());
    }

    @Test
    void aSystemPromptMayBeAListOfTextParts() throws Exception {
        String record = "{\"system\":[{\"type\":\"text\",\"text\":\"Be \"},{\"type\":\"text\",\"text\":\"kind.\"}]," + CHAT + "}";
        assertTrue(text(record).startsWith("<|im_start|>system\nBe kind.<|im_end|>"), text(record));
        assertEquals(List.of(), unread(record));
        for (String other : List.of("5", "{\"content\":\"x\"}", "[5]")) {
            assertEquals(List.of("system"), unread("{\"system\":" + other + "," + CHAT + "}"), other);
        }
    }

    @Test
    void weightsAsTextCountAndOthersAreRefused() throws Exception {
        for (String field : List.of("\"weight\":\"0\"", "\"weight\":\"0.0\"", "\"train\":\"False\"")) {
            assertTrue(refusal(thinking("\"content\":\"a\"," + field)).contains("have weight 0"), field);
        }
        assertEquals(List.of(), unread(thinking("\"content\":\"a\",\"weight\":\"1\"")));
        for (String field : List.of("\"weight\":\"half\"", "\"train\":[0]", "\"weight\":2")) {
            assertTrue(refusal(thinking("\"content\":\"a\"," + field)).contains("(expected 0 or 1)"), field);
        }
    }

    @Test
    void listsHoldNoNullsAndMayHoldJson() throws Exception {
        template(TOOLS.replace("ARGS", "{{ c.function.arguments|tojson }}"));
        String same = text(calling("{\"a\":1}"));
        String call = "{\"type\":\"function\",\"function\":{\"name\":\"w\",\"arguments\":{\"a\":1}}}";
        String asked = "{\"role\":\"user\",\"content\":[null,{\"type\":\"text\",\"text\":\"q\"}]}";
        String answered = "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":";
        for (String turns : List.of("[null," + asked + "," + answered + "[" + call + ",null]},null]",
                "[" + JSON.writeValueAsString(asked) + "," + JSON.writeValueAsString(answered + "[" + call + "]}") + "]",
                "[" + asked + "," + answered + "[" + JSON.writeValueAsString(call) + "]}]",
                "[" + asked + "," + answered
                        + "[],\"function_call\":{\"name\":\"w\",\"arguments\":\"{\\\"a\\\":1,\\\"b\\\":null}\"}}]")) {
            assertEquals(same, text("{\"messages\":" + turns + "}"), turns);
        }
        assertTrue(text(calling("[1,2]")).contains("[w[1, 2]]"));
        assertEquals(text(calling("[1,2]")), text(calling("\"[1,2]\"")));
        template(TOOLS.replace("{{ c.function.name }}ARGS", "{{ '' + c.function.arguments }}"));
        for (String arguments : List.of("[1, 2]", "5", "true", "{\"a\": 1}")) {
            assertTrue(text(calling(arguments)).contains("[" + arguments + "]"), arguments);
        }
    }

    @Test
    void aHeaderThatTheTemplateWritesFromElsewhereIsNotTheAssistants() throws Exception {
        template("{{ tools }}{{ style }}" + TinyModel.CHATML.replace("m.role }}", "m.role }}{{ m.name }}")
                .replace("m['role']", "m['role'] + (m['name'] or '')"));
        String header = "\"<|im_start|>assistant\\n\"";
        assertTrue(refusal("{\"tools\":[{\"name\":" + header + "}]," + CHAT + "}")
                .contains("the tools have the assistant header"));
        assertTrue(refusal("{\"chat_template_kwargs\":{\"style\":" + header + "}," + CHAT + "}")
                .contains("style has the assistant header"));
    }

    private void template(String source) throws Exception {
        Files.writeString(model.resolve("chat_template.jinja"), source);
    }

    private static String thinking(String answer) {
        return "{\"messages\":[{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"assistant\"," + answer + "}]}";
    }

    private static String calling(String arguments) {
        return thinking("\"content\":null,\"tool_calls\":[{\"type\":\"function\",\"function\":{\"name\":\"w\",\"arguments\":"
                + arguments + "}}]");
    }

    private EncoderSettings settings() {
        return EncoderSettings.of(model.toString(), 400, OverLength.TRUNCATE);
    }

    private static Conversation parse(String record) throws Exception {
        InputRecord read = ConversationReader.record(JSON.readTree(record), "f", 0, ConversationFormat.AUTO);
        return assertConversation(read);
    }

    private static Conversation assertConversation(InputRecord read) {
        assertTrue(read instanceof Conversation, read.toString());
        return (Conversation) read;
    }

    private List<String> unread(String record) throws Exception {
        try (ConversationEncoder encoder = new ConversationEncoder(settings())) {
            return encoder.unreadFields(parse(record));
        }
    }

    private static TokenSequence encode(EncoderSettings settings, String record) throws Exception {
        try (ConversationEncoder encoder = new ConversationEncoder(settings)) {
            return encoder.encode(parse(record));
        }
    }

    private String text(String record) throws Exception {
        return text(settings(), record);
    }

    private static String text(EncoderSettings settings, String record) throws Exception {
        try (ConversationEncoder encoder = new ConversationEncoder(settings)) {
            return encoder.masked(parse(record)).text();
        }
    }

    private String marked(String record) throws Exception {
        try (ConversationEncoder encoder = new ConversationEncoder(settings())) {
            encoder.encode(parse(record));
            return new MaskPreview(false).marked(encoder.masked(parse(record)));
        }
    }

    private String refusal(String record) {
        return assertThrows(UnusableConversationException.class, () -> encode(settings(), record)).getMessage();
    }
}
