package dev.aerie.text;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.github.luben.zstd.Zstd;
import dev.aerie.errors.RefusalException;
import dev.aerie.testing.Shared;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

class ConversationReaderTest {

    private static final String TURNS = "[{\"from\":\"human\",\"value\":\"2+2?\"},{\"from\":\"gpt\",\"value\":\"4\"}]";
    private static final String RECORD = "{\"id\":\"a\",\"conversations\":" + TURNS + "}";

    @Test
    void readsAnArrayAndLinesAlike() throws IOException {
        for (String file : List.of("[" + RECORD + ",\n" + RECORD + "]", RECORD + "\n\n" + RECORD + "\n", "\uFEFF" + RECORD + "\n" + RECORD)) {
            List<InputRecord> records = read(file, "x.json", ConversationFormat.SHAREGPT);
            assertEquals(2, records.size(), file);
            Conversation c = assertInstanceOf(Conversation.class, records.get(0));
            assertEquals("a", c.id());
            assertEquals(List.of(new Message("user", "2+2?"), new Message("assistant", "4")), c.messages());
        }
    }

    @Test
    void readsCompressedFiles() throws IOException {
        byte[] plain = RECORD.getBytes(StandardCharsets.UTF_8);
        byte[] gz = gzip(plain);
        assertInstanceOf(Conversation.class, read(gz, "x.jsonl.gz", ConversationFormat.SHAREGPT).get(0));
        assertInstanceOf(Conversation.class, read(Zstd.compress(plain), "x.jsonl.zst", ConversationFormat.SHAREGPT).get(0));

        List<InputRecord> cut = read(Arrays.copyOf(gz, gz.length - 12), "x.jsonl.gz", ConversationFormat.SHAREGPT);
        assertEquals(1, cut.size());
        assertTrue(reason(cut.get(0)).contains("cut off"), reason(cut.get(0)));
    }

    @Test
    void aDamagedFileKeepsWhatCameBefore() throws IOException {
        StringBuilder lines = new StringBuilder();
        for (int i = 0; i < 20_000; i++) {
            lines.append(RECORD.replace("\"a\"", "\"" + Integer.toHexString(i * 0x9E3779B1) + "\"")).append('\n');
        }
        byte[] plain = lines.toString().getBytes(StandardCharsets.UTF_8);
        for (String name : List.of("x.jsonl.gz", "x.jsonl.zst")) {
            byte[] whole = name.endsWith("gz") ? gzip(plain) : Zstd.compress(plain);
            List<InputRecord> cut = read(Arrays.copyOf(whole, whole.length * 3 / 4), name, ConversationFormat.SHAREGPT);
            assertTrue(cut.size() > 1000, name);
            assertTrue(reason(cut.get(cut.size() - 1)).contains("cut off; what follows is lost"), reason(cut.get(cut.size() - 1)));
            byte[] overwritten = whole.clone();
            Arrays.fill(overwritten, whole.length / 2, whole.length / 2 + 2000, (byte) 0xFF);
            List<InputRecord> damaged = read(overwritten, name, ConversationFormat.SHAREGPT);
            assertTrue(damaged.size() > 1000, name);
            assertTrue(reason(damaged.get(damaged.size() - 1)).contains("what follows is lost"), name);
        }
    }

    @Test
    void aLineWithoutEndCostsItselfAlone() throws IOException {
        byte[] file = new byte[ConversationReader.MAX_RECORD_BYTES + 1000];
        Arrays.fill(file, (byte) 'x');
        byte[] good = ("\n" + RECORD).getBytes(StandardCharsets.UTF_8);
        System.arraycopy(good, 0, file, file.length - good.length, good.length);
        List<InputRecord> records = read(file, "x.jsonl", ConversationFormat.SHAREGPT);
        assertTrue(reason(records.get(0)).startsWith("a line of over"), reason(records.get(0)));
        assertInstanceOf(Conversation.class, records.get(1));
    }

    @Test
    void readsUltraChatInBothForms() throws IOException {
        String now = "{\"prompt\":\"q\",\"prompt_id\":\"p1\",\"messages\":[{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"assistant\",\"content\":\"r\"}]}";
        String before = "{\"id\":7,\"data\":[\"q\",\"r\"]}";
        List<InputRecord> records = read(now + "\n" + before, "u.jsonl", ConversationFormat.ULTRACHAT);
        List<Message> expected = List.of(new Message("user", "q"), new Message("assistant", "r"));
        assertEquals(Conversation.of("p1", "u.jsonl", expected), records.get(0));
        assertEquals(Conversation.of("7", "u.jsonl", expected), records.get(1));
    }

    @Test
    void keepsToolCallsAndOtherFields() throws IOException {
        String record = "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"Oslo\"},{\"type\":\"text\",\"text\":\"?\"}]},"
                + "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"function\":{\"name\":\"w\",\"arguments\":\"{\\\"c\\\": 1}\"}}]},"
                + "{\"role\":\"tool\",\"name\":\"w\",\"content\":\"-3\"},{\"role\":\"assistant\",\"content\":\"cold\",\"weight\":null}],"
                + "\"tools\":[{\"type\":\"function\"}]}";
        Conversation c = assertInstanceOf(Conversation.class, read(record, "dir/m.jsonl", ConversationFormat.MESSAGES).get(0));
        assertEquals("m.jsonl#0", c.id());
        assertEquals("Oslo?", c.messages().get(0).content());
        assertNull(c.messages().get(1).content());
        assertEquals(
                Map.of("tool_calls", List.of(Map.of("function", Map.of("name", "w", "arguments", Map.of("c", 1))))),
                c.messages().get(1).fields());
        assertEquals(Map.of("role", "tool", "content", "-3", "name", "w"), c.messages().get(2).toMap());
        assertEquals(Map.of(), c.messages().get(3).fields());
        assertEquals(List.of(Map.of("type", "function")), c.tools());
    }

    @Test
    void everyBadLineIsRefusedWithItsReasonAndTheRestIsRead() throws IOException {
        Map<String, String> bad = Map.of(
                "not json", "no JSON",
                "{\"id\":\"a\",", "no JSON",
                "[1]", "not a JSON object",
                "{\"id\":\"x\"}", "no list under \"conversations\"",
                "{\"conversations\":[]}", "no turns",
                "{\"conversations\":[{\"from\":\"human\",\"value\":\"q\"}]}", "no assistant turn",
                "{\"conversations\":[{\"from\":\"gpt\",\"value\":\"q\"}]}", "wrong role order: turn 1 is assistant and the first",
                "{\"conversations\":[{\"from\":\"alien\",\"value\":\"q\"}]}", "unknown role alien",
                "{\"conversations\":[{\"from\":\"human\"},{\"from\":\"gpt\",\"value\":\"q\"}]}", "turn 1 has no text",
                "{\"conversations\":[{\"from\":\"human\",\"value\":[{\"type\":\"image_url\"}]}]}", "part of type image_url");
        for (Map.Entry<String, String> e : bad.entrySet()) {
            List<InputRecord> records = read(RECORD + "\n" + e.getKey() + "\n" + RECORD, "x.jsonl", ConversationFormat.SHAREGPT);
            assertEquals(3, records.size(), e.getKey());
            assertTrue(reason(records.get(1)).contains(e.getValue()), reason(records.get(1)));
            assertInstanceOf(Conversation.class, records.get(2));
        }
        List<InputRecord> first = read("not json\n" + RECORD, "x.jsonl", ConversationFormat.SHAREGPT);
        assertTrue(reason(first.get(0)).contains("no JSON"));
        assertInstanceOf(Conversation.class, first.get(1));
    }

    @Test
    void invalidUtf8CostsItsLine() throws IOException {
        ByteArrayOutputStream file = new ByteArrayOutputStream();
        file.writeBytes("{\"id\":\"".getBytes(StandardCharsets.UTF_8));
        file.write(0xC3);
        file.writeBytes(("\"}\n" + RECORD).getBytes(StandardCharsets.UTF_8));
        List<InputRecord> records = read(file.toByteArray(), "x.jsonl", ConversationFormat.SHAREGPT);
        assertEquals("invalid UTF-8", reason(records.get(0)));
        assertInstanceOf(Conversation.class, records.get(1));
    }

    @Test
    void aBrokenArraySaysWhatIsLost() throws IOException {
        for (String tail : List.of(",{\"id\" \"b\"}," + RECORD + "]", "", ",")) {
            List<InputRecord> records = read("[" + RECORD + tail, "x.json", ConversationFormat.SHAREGPT);
            assertEquals(2, records.size(), tail);
            assertInstanceOf(Conversation.class, records.get(0));
            assertTrue(reason(records.get(1)).contains("all after it in the file are lost"), reason(records.get(1)));
        }
        assertEquals(0, read("[]", "x.json", ConversationFormat.SHAREGPT).size());
        assertEquals(0, read("", "x.json", ConversationFormat.SHAREGPT).size());
    }

    /** Nothing is dropped in silence: neither a second array or object, nor tools in another shape. */
    @Test
    void whatFollowsARecordIsNotSwallowed() throws IOException {
        for (String tail : List.of("[" + RECORD + "]", "garbage", RECORD)) {
            List<InputRecord> records = read("[" + RECORD + "]\n" + tail, "x.json", ConversationFormat.SHAREGPT);
            assertEquals(2, records.size(), tail);
            assertTrue(reason(records.get(1)).contains("all after it in the file are lost"), reason(records.get(1)));
        }
        assertEquals(1, read("[" + RECORD + "]\n \n", "x.json", ConversationFormat.SHAREGPT).size());
        assertTrue(reason(read(RECORD + " " + RECORD, "x.jsonl", ConversationFormat.SHAREGPT).get(0)).startsWith("no JSON"));
        String tools = "{\"conversations\":" + TURNS + ",\"tools\":TOOLS}";
        for (String given : List.of("[{\"type\":\"function\"}]", "\"[{\\\"type\\\":\\\"function\\\"}]\"")) {
            assertEquals(List.of(Map.of("type", "function")), assertInstanceOf(Conversation.class,
                    read(tools.replace("TOOLS", given), "x.jsonl", ConversationFormat.AUTO).get(0)).tools());
        }
        for (String none : List.of("null", "\"\"", "[]", "\"null\"")) {
            assertEquals(List.of(), assertInstanceOf(Conversation.class,
                    read(tools.replace("TOOLS", none), "x.jsonl", ConversationFormat.AUTO).get(0)).tools());
        }
        for (String wrong : List.of("{}", "1", "\"browser\"")) {
            assertEquals("\"tools\" is no list", reason(read(tools.replace("TOOLS", wrong), "x.jsonl", ConversationFormat.AUTO).get(0)));
        }
        String calls = "{\"messages\":[{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"assistant\",\"content\":\"r\",\"tool_calls\":CALLS}]}";
        assertEquals(Map.of("tool_calls", List.of(Map.of("function", Map.of("arguments", "not json")))),
                assertInstanceOf(Conversation.class, read(calls.replace("CALLS",
                        "\"[{\\\"function\\\": {\\\"arguments\\\": \\\"not json\\\"}}]\""), "x.jsonl", ConversationFormat.AUTO).get(0))
                        .messages().get(1).fields());
        assertEquals("turn 2 has tool calls that are no list",
                reason(read(calls.replace("CALLS", "\"call it\""), "x.jsonl", ConversationFormat.AUTO).get(0)));
    }

    @Test
    void whatCannotBeDecompressedIsOneRejection() throws IOException {
        for (String name : List.of("x.gz", "x.zst")) {
            for (byte[] file : List.of(RECORD.getBytes(StandardCharsets.UTF_8), new byte[] {0x1f}, new byte[] {0x28, (byte) 0xb5, 0x2f})) {
                List<InputRecord> records = read(file, name, ConversationFormat.AUTO);
                assertEquals(1, records.size());
                assertTrue(reason(records.get(0)).startsWith("the compressed file is "), reason(records.get(0)));
            }
        }
        assertEquals("the compressed file is cut off; nothing of it is read",
                reason(read(new byte[0], "x.gz", ConversationFormat.AUTO).get(0)));
    }

    @Test
    void extremesAreConversationsOrRejections() throws IOException {
        String deep = "[".repeat(5000) + "]".repeat(5000);
        Map<String, String> bad = Map.of(
                RECORD.replace("\"4\"", deep), "no JSON",
                RECORD.replace("\"a\"", "1" + "0".repeat(2000)), "no JSON",
                RECORD.replace("4", "\0"), "no JSON",
                RECORD.replace("\"4\"", "NaN"), "no JSON",
                RECORD.replace("gpt", "\\ud83d"), "half a surrogate pair",
                RECORD.replace("4", "a\\ude00b"), "half a surrogate pair",
                "{\"text\": 1e999}", "no text under");
        for (Map.Entry<String, String> e : bad.entrySet()) {
            List<InputRecord> records = read(e.getKey() + "\r\n" + RECORD + "\r\n\r\n", "x.jsonl", ConversationFormat.AUTO);
            assertEquals(2, records.size());
            assertTrue(reason(records.get(0)).contains(e.getValue()), reason(records.get(0)));
            assertInstanceOf(Conversation.class, records.get(1));
        }
        Conversation odd = assertInstanceOf(Conversation.class, read(RECORD.replace("4", "\\u0000\\ud83e\\udd14").replace("\"a\"",
                "12345678901234567890123,\"id\":99999999999999999999"), "x.jsonl", ConversationFormat.AUTO).get(0));
        assertEquals("99999999999999999999", odd.id());
        assertEquals("\0🤔", odd.messages().get(1).content());
    }

    /** Bytes changed, cut out and doubled at random: every file is read to its end. */
    @Test
    void noDamageGetsOutOfTheReader() throws IOException {
        long seed = 20260801;
        Random random = new Random(seed);
        String tool = "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"é🤔\"}]},{\"role\":\"assistant\","
                + "\"content\":null,\"tool_calls\":[{\"function\":{\"arguments\":\"{}\"}}]},{\"role\":\"tool\",\"content\":\"1\"},"
                + "{\"role\":\"assistant\",\"content\":\"r\"}],\"tools\":[1.5e3]}";
        List<String> files = List.of(RECORD + "\n" + tool + "\n{\"data\":[\"a\",\"b\"]}\n", "[" + tool + "," + RECORD + "]");
        for (int round = 0; round < 6000; round++) {
            byte[] plain = files.get(round % 2).getBytes(StandardCharsets.UTF_8);
            String name = List.of("x.json", "x.gz", "x.zst").get(round / 2 % 3);
            byte[] file = name.equals("x.json") ? plain : name.equals("x.gz") ? gzip(plain) : Zstd.compress(plain);
            for (int i = random.nextInt(4); i >= 0; i--) {
                int at = random.nextInt(file.length);
                int end = Math.min(file.length, at + 1 + random.nextInt(8));
                switch (random.nextInt(3)) {
                    case 0 -> file[at] = (byte) (random.nextBoolean() ? random.nextInt(256) : "[]{}\",:\\\0\n".charAt(random.nextInt(10)));
                    case 1 -> System.arraycopy(file, at, file, random.nextInt(file.length - (end - at) + 1), end - at);
                    default -> file = Arrays.copyOf(file, Math.max(1, file.length - random.nextInt(20)));
                }
            }
            byte[] damaged = file;
            assertDoesNotThrow(
                    () -> read(damaged, name, ConversationFormat.AUTO), "seed " + seed + ", round " + round);
        }
    }

    private static byte[] gzip(byte[] plain) throws IOException {
        ByteArrayOutputStream gz = new ByteArrayOutputStream();
        try (GZIPOutputStream out = new GZIPOutputStream(gz)) {
            out.write(plain);
        }
        return gz.toByteArray();
    }

    @Test
    void readsTextThatWasRenderedBefore() throws IOException {
        List<InputRecord> records = read("{\"text\":\"<|user|>hi\"}\n{\"text\":\" \"}", "t.jsonl", ConversationFormat.PREFORMATTED);
        assertEquals(Conversation.ofText("t.jsonl#0", "t.jsonl", "<|user|>hi"), records.get(0));
        assertEquals("no text under \"text\"", reason(records.get(1)));
    }

    @Test
    void findsTheFormatOfEachRecord() throws IOException {
        String messages = "{\"messages\":[{\"role\":\"user\",\"content\":\"2+2?\"},{\"role\":\"assistant\",\"content\":\"4\"}]}";
        String lines = RECORD + "\n" + messages + "\n{\"data\":[\"2+2?\",\"4\"]}\n{\"text\":\"hi\"}\n{\"instruction\":\"hi\"}";
        List<InputRecord> records = read(lines, "x.jsonl", ConversationFormat.AUTO);
        for (InputRecord record : records.subList(0, 3)) {
            assertEquals(List.of(new Message("user", "2+2?"), new Message("assistant", "4")),
                    assertInstanceOf(Conversation.class, record).messages());
        }
        assertEquals("hi", assertInstanceOf(Conversation.class, records.get(3)).text());
        assertTrue(reason(records.get(4)).startsWith("none of \"conversations\""));
    }

    @Tag(Shared.TAG)
    @Test
    void readsTheRealFiles() throws IOException {
        assertEquals(2400, conversations("data/sharegpt_gsm8k.json", ConversationFormat.SHAREGPT));
        assertEquals(2425, conversations("data/ultrachat_gsm8k.jsonl", ConversationFormat.ULTRACHAT));
    }

    private static long conversations(String file, ConversationFormat format) throws IOException {
        long n = 0;
        try (ConversationReader reader = ConversationReader.open(Files.newInputStream(Shared.path(file)), file, format)) {
            while (reader.hasNext()) {
                n += reader.next() instanceof Conversation ? 1 : 0;
            }
        }
        return n;
    }

    private static String reason(InputRecord record) {
        return assertInstanceOf(Rejection.class, record).reason();
    }

    private static List<InputRecord> read(String file, String name, ConversationFormat format) throws IOException {
        return read(file.getBytes(StandardCharsets.UTF_8), name, format);
    }

    private static List<InputRecord> read(byte[] file, String name, ConversationFormat format) throws IOException {
        List<InputRecord> out = new ArrayList<>();
        try (ConversationReader reader = ConversationReader.open(new ByteArrayInputStream(file), name, format)) {
            reader.forEachRemaining(out::add);
        }
        return out;
    }
}
