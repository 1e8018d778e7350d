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
import org.apache.commons.compress.compressors.bzip2.BZip2CompressorOutputStream;
import org.junit.jupiter.api.Test;

class ConversationReaderTest {

    private static final String TURNS = "[{\"from\":\"human\",\"value\":\"2+2?\"},{\"from\":\"gpt\",\"value\":\"4\"}]";
    private static final String RECORD = "{\"id\":\"a\",\"conversations\":" + TURNS + "}";

    @Test
    void readsAnArrayAndLinesAlike() throws IOException {
        for (String file : List.of("[" + RECORD + ",\n" + RECORD + "]", RECORD + "\n\n" + RECORD + "\n", "\uFEFF" + RECORD + "\n"
                + RECORD)) {
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
        ByteArrayOutputStream skippable = new ByteArrayOutputStream();
        skippable.write(new byte[] {0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 'i', 'x'});
        skippable.write(Zstd.compress(plain));
        assertInstanceOf(Conversation.class, read(skippable.toByteArray(), "x.jsonl.zst", ConversationFormat.SHAREGPT).get(0));

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
            assertTrue(reason(cut.get(cut.size() - 1)).contains("cut off; what follows is lost"),
                    reason(cut.get(cut.size() - 1)));
            assertTrue(((Rejection) cut.get(cut.size() - 1)).restLost());
            byte[] overwritten = whole.clone();
            Arrays.fill(overwritten, whole.length / 2, whole.length / 2 + 2000, (byte) 0xFF);
            List<InputRecord> damaged = read(overwritten, name, ConversationFormat.SHAREGPT);
            assertTrue(damaged.size() > 1000, name);
            assertTrue(reason(damaged.get(damaged.size() - 1)).contains("what follows is lost"), name);
        }
    }

    /** Endings are no proof, and none is as good as a wrong one. */
    @Test
    void aSmallDamagedFileKeepsWhatCameBeforeToo() throws IOException {
        Random random = new Random(5);
        StringBuilder lines = new StringBuilder();
        for (int i = 0; i < 60; i++) {
            lines.append(RECORD.replace("\"a\"", "\"" + Long.toHexString(random.nextLong()) + "\"")).append('\n');
        }
        byte[] plain = lines.toString().getBytes(StandardCharsets.UTF_8);
        ByteArrayOutputStream bzip2 = new ByteArrayOutputStream();
        for (byte[] half : List.of(Arrays.copyOf(plain, plain.length / 2),
                Arrays.copyOfRange(plain, plain.length / 2, plain.length))) {
            try (BZip2CompressorOutputStream out = new BZip2CompressorOutputStream(bzip2)) {
                out.write(half);
            }
        }
        for (byte[] whole : List.of(gzip(plain), bzip2.toByteArray())) {
            List<InputRecord> cut = read(Arrays.copyOf(whole, whole.length - 30), "x.jsonl", ConversationFormat.SHAREGPT);
            assertTrue(cut.size() > 20, cut.size() + " records");
            assertTrue(cut.subList(0, cut.size() - 1).stream().allMatch(Conversation.class::isInstance));
            String reason = reason(cut.get(cut.size() - 1));
            assertTrue(reason.matches("the compressed file is (cut off|damaged); what follows is lost \\(from byte [0-9,]+ of "
                    + "the "
                    + "decompressed text on.*\\)"), reason);
        }
    }

    @Test
    void compressionIsKnownByContent() throws IOException {
        byte[] plain = (RECORD + "\n" + RECORD).getBytes(StandardCharsets.UTF_8);
        ByteArrayOutputStream bz2 = new ByteArrayOutputStream();
        for (int part = 0; part < 2; part++) {
            try (BZip2CompressorOutputStream out = new BZip2CompressorOutputStream(bz2)) {
                out.write(part == 0 ? plain : ("\n" + RECORD).getBytes(StandardCharsets.UTF_8));
            }
        }
        Map<byte[], Integer> files = Map.of(plain, 2, gzip(plain), 2, Zstd.compress(plain), 2, bz2.toByteArray(), 3);
        for (String name : List.of("x.jsonl", "x.JSONL.GZ", "x.zst", "x.bz2", "x.parquet", "x")) {
            for (Map.Entry<byte[], Integer> file : files.entrySet()) {
                List<InputRecord> records = read(file.getKey(), name, ConversationFormat.AUTO);
                assertEquals(file.getValue(), records.size(), name);
                records.forEach(r -> assertInstanceOf(Conversation.class, r));
            }
        }
        byte[] cut = Arrays.copyOf(bz2.toByteArray(), bz2.size() - 20);
        List<InputRecord> records = read(cut, "x.bz2", ConversationFormat.AUTO);
        assertTrue(reason(records.get(records.size() - 1)).startsWith("the compressed file is "), records.toString());
    }

    /** What is inside a compressed file is named like the file. */
    @Test
    void whatIsNoTextIsNamed() throws IOException {
        for (byte[] file : List.of(gzip("PK\u0003\u0004....".getBytes(StandardCharsets.ISO_8859_1)),
                "PK\u0003\u0004....".getBytes())) {
            assertEquals("the file is a ZIP archive; nothing of it is read",
                    reason(read(file, "x", ConversationFormat.AUTO).get(0)));
        }
        assertEquals("the file is text in UTF-16; nothing of it is read",
                reason(read(("\uFEFF" + RECORD).getBytes(StandardCharsets.UTF_16LE), "x.jsonl", ConversationFormat.AUTO).get(0)));
    }

    @Test
    void objectsMayGoOverLines() throws IOException {
        List<String> pretty = List.of(
                RECORD.replace("{", "{\n  ").replace(",", ",\n  ").replace("}", "\n}"),
                RECORD.replace("{", "{\r\n\t").replace(",", ",\r\n\t").replace("}", "\r\n}"),
                RECORD.replace("[", "[\n    "),
                RECORD.replace("]", "\n]"));
        for (String one : pretty) {
            for (String file : List.of(one + "\n" + one + "\n", one + one, "\uFEFF\n" + one + "\n\n" + one, "[" + one + ",\n"
                    + one + "\n]")) {
                List<InputRecord> records = read(file, "x.jsonl", ConversationFormat.AUTO);
                assertEquals(2, records.size(), file);
                records.forEach(r -> assertInstanceOf(Conversation.class, r, file));
            }
        }
        List<InputRecord> cut = read(pretty.get(0) + "\n" + pretty.get(0).substring(0, 60), "x.jsonl", ConversationFormat.AUTO);
        assertEquals(2, cut.size());
        assertTrue(reason(cut.get(1)).contains("all after it in the file are lost"), reason(cut.get(1)));
        // A first line that was cut off is a broken line.
        for (int end = 1; end < RECORD.length(); end++) {
            List<InputRecord> lines =
                    read(RECORD.substring(0, end) + "\n" + RECORD + "\n" + RECORD, "x.jsonl", ConversationFormat.AUTO);
            assertEquals(3, lines.size(), RECORD.substring(0, end));
            assertInstanceOf(Conversation.class, lines.get(2));
        }
    }

    @Test
    void carriageReturnsAloneMayEndLines() throws IOException {
        for (String end : List.of("\r", "\r\n", "\n", "\r\r")) {
            List<InputRecord> records = read(RECORD + end + RECORD + end + RECORD, "x.jsonl", ConversationFormat.AUTO);
            assertEquals(3, records.size(), end);
            records.forEach(r -> assertInstanceOf(Conversation.class, r));
        }
    }

    /** Python writes NaN where pandas has nothing. */
    @Test
    void numbersThatAreNoneAreNoFaultWhereNobodyReadsThem() throws IOException {
        String odd = RECORD.replace("\"id\"", "\"score\":NaN,\"more\":{\"a\":[-Infinity,1e999]},\"id\"");
        for (String file : List.of(odd + "\n" + RECORD, "[" + odd + "," + RECORD + "]")) {
            List<InputRecord> records = read(file, "x", ConversationFormat.AUTO);
            Conversation read = assertInstanceOf(Conversation.class, records.get(0));
            assertEquals(((Conversation) records.get(1)).messages(), read.messages());
            assertEquals(List.of("more"), read.unreadFields());
        }
        Conversation weighted = assertInstanceOf(Conversation.class, read(
                RECORD.replace("\"4\"", "\"4\",\"weight\":NaN"), "x", ConversationFormat.AUTO).get(0));
        assertEquals(Map.of(), weighted.messages().get(1).fields());
    }

    /** In an array brackets and quotes say where the next record begins. */
    @Test
    void invalidUtf8InAnArrayCostsItsRecord() throws IOException {
        String file = "[" + RECORD + "," + RECORD.replace("4", "\u00e9") + "," + RECORD + "]";
        List<InputRecord> records = read(file.getBytes(StandardCharsets.ISO_8859_1), "x.json", ConversationFormat.AUTO);
        assertEquals(3, records.size());
        assertEquals("invalid UTF-8", reason(records.get(1)));
        assertInstanceOf(Conversation.class, records.get(2));
    }

    @Test
    void saysHowMuchIsLost() throws IOException {
        String file = "[" + RECORD + ",{\"id\" 1}," + RECORD + "]";
        try (ConversationReader reader = ConversationReader.open(new ByteArrayInputStream(file.getBytes(StandardCharsets.UTF_8)),
                "x.json", file.length(), ConversationFormat.AUTO)) {
            reader.next();
            Rejection lost = (Rejection) reader.next();
            int at = RECORD.length() + 2;
            assertEquals("no JSON at byte " + at
                    + ": unexpected '1' at character 6; this record and all after it in the file are lost ("
                    + (file.length() - at) + " of " + file.length() + " bytes)", lost.reason());
            assertTrue(lost.restLost());
        }
    }

    @Test
    void aRecordThatIsTooLongIsNamedInAnArrayToo() throws IOException {
        String file = "[{\"text\":\"" + "x".repeat(RecordJson.MAX_BYTES) + "\"}," + RECORD + "]";
        List<InputRecord> records = read(file, "x.json", ConversationFormat.AUTO);
        assertEquals("a record of over 67108864 bytes, of which nothing is read", reason(records.get(0)));
        assertInstanceOf(Conversation.class, records.get(1));
    }

    /** No words of a parser's own: they name its classes and settings. */
    @Test
    void reasonsAreInOurWords() throws IOException {
        for (String bad : List.of("not json", "{\"a\":", "{\"a\" 1}", "{\"a\":1}}", "{\"a\":\"\t\"}", "{\"a\":\"\\q\"}",
                "{\"a\":01}",
                "[".repeat(300) + "]".repeat(300), "{\"a\":" + "1".repeat(2000) + "}", "{'a':1}", "\u0001", "{\"a\":\"\\u12\"}",
                        "nul")) {
            String reason = reason(read(RECORD + "\n" + bad, "x", ConversationFormat.AUTO).get(1));
            assertTrue(reason.startsWith("no JSON: "), reason);
            assertTrue(!reason.contains("Stream") && !reason.contains("(code") && !reason.contains("Source")
                    && !reason.contains("JsonParser")
                    && !reason.contains("expecting") && reason.length() < 100, reason);
        }
    }

    @Test
    void aLineWithoutEndCostsItselfAlone() throws IOException {
        byte[] file = new byte[RecordJson.MAX_BYTES + 1000];
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
            assertEquals("\"tools\" is no list",
                    reason(read(tools.replace("TOOLS", wrong), "x.jsonl", ConversationFormat.AUTO).get(0)));
        }
        String calls = "{\"messages\":[{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"assistant\",\"content\":\"r\",\"tool_calls\":CALLS}]}";
        assertEquals(Map.of("tool_calls", List.of(Map.of("function", Map.of("arguments", "not json")))),
                assertInstanceOf(Conversation.class, read(calls.replace("CALLS",
                        "\"[{\\\"function\\\": {\\\"arguments\\\": \\\"not json\\\"}}]\""), "x.jsonl", ConversationFormat.AUTO)
                                .get(0))
                        .messages().get(1).fields());
        assertEquals("turn 2 has tool calls that are no list",
                reason(read(calls.replace("CALLS", "\"call it\""), "x.jsonl", ConversationFormat.AUTO).get(0)));
    }

    @Test
    void whatCannotBeDecompressedIsOneRejection() throws IOException {
        for (String name : List.of("x.gz", "x.zst", "x.BZ2")) {
            for (byte[] file : List.of("no compression".getBytes(StandardCharsets.UTF_8), new byte[] {0x1f},
                    new byte[] {0x28, (byte) 0xb5, 0x2f})) {
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
                RECORD.replace("\"4\"", "NaN"), "turn 2 has no text",
                RECORD.replace("\"4\"", "-Infinity"), "turn 2 has no text",
                RECORD.replace("gpt", "\\ud83d"), "half a surrogate pair",
                RECORD.replace("4", "a\\ude00b"), "half a surrogate pair",
                "{\"text\": 1e999}", "none of");
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
                    case 0 -> file[at] = (byte) (random.nextBoolean() ? random.nextInt(256)
                            : "[]{}\",:\\\0\n".charAt(random.nextInt(10)));
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
        List<InputRecord> records =
                read("{\"text\":\"<|user|>hi\"}\n{\"text\":\" \"}", "t.jsonl", ConversationFormat.PREFORMATTED);
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
