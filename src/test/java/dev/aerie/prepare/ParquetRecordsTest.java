package dev.aerie.prepare;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.aerie.errors.RefusalException;
import dev.aerie.text.Conversation;
import dev.aerie.text.ConversationFormat;
import dev.aerie.text.ConversationReader;
import dev.aerie.text.InputRecord;
import dev.aerie.text.Message;
import dev.aerie.text.Rejection;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.example.data.simple.SimpleGroup;
import org.apache.parquet.hadoop.ParquetWriter;
import org.apache.parquet.hadoop.example.ExampleParquetWriter;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.apache.parquet.io.api.Binary;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.MessageTypeParser;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

class ParquetRecordsTest {

    /** As the data sets library and Spark write lists. */
    private static final MessageType SHAREGPT = MessageTypeParser.parseMessageType("message m { optional binary id (STRING); "
            + "optional group conversations (LIST) { repeated group list { optional group element { "
            + "optional binary from (STRING); optional binary value (STRING); optional double weight; } } } }");

    @TempDir
    java.nio.file.Path scratch;

    @Test
    void rowsAreConversationsOrRejections() throws IOException {
        Group good = row("a", "human", "2+2? 🤔", "gpt", "4");
        good.getGroup("conversations", 0).getGroup(0, 1).getGroup(0, 0).add("weight", 0.5);
        Group nulls = new SimpleGroup(SHAREGPT);
        Group silent = row("c", "human", "q", "gpt", null);
        List<InputRecord> records = read(write(SHAREGPT, good, nulls, silent, row("d", "gpt", "x")), ConversationFormat.AUTO);
        Conversation first = assertInstanceOf(Conversation.class, records.get(0));
        assertEquals("a", first.id());
        assertEquals(List.of(new Message("user", "2+2? 🤔"), new Message("assistant", "4", Map.of("weight", 0.5))),
                first.messages());
        assertEquals("none of \"conversations\", \"messages\", \"data\" and \"text\"", reason(records.get(1)));
        assertEquals("x.parquet#1", ((Rejection) records.get(1)).id());
        assertEquals("turn 2 has no text", reason(records.get(2)));
        assertEquals("wrong role order: turn 1 is assistant and the first", reason(records.get(3)));
        assertEquals(4, records.size());
    }

    /** Lists of two levels, maps, numbers and plain bytes; and text that was rendered before. */
    @Test
    void otherShapesOfColumns() throws IOException {
        MessageType old = MessageTypeParser.parseMessageType("message m { required int64 id; "
                + "required group data (LIST) { repeated binary array; } optional boolean flag; optional int32 n; optional "
                        + "float f; "
                + "optional group more (MAP) { repeated group key_value { required binary key (STRING); optional int32 value; "
                        + "} } }");
        Group row = new SimpleGroup(old);
        row.add("id", 7L);
        Group data = row.addGroup("data");
        data.add(0, "q");
        data.add(0, "r");
        row.add("flag", true);
        row.add("n", 1);
        row.add("f", 1.5f);
        row.addGroup("more").addGroup(0).append("key", "k");
        Conversation one = assertInstanceOf(Conversation.class, read(write(old, row), ConversationFormat.ULTRACHAT).get(0));
        assertEquals("7", one.id());
        assertEquals(List.of(new Message("user", "q"), new Message("assistant", "r")), one.messages());

        MessageType text = MessageTypeParser.parseMessageType("message m { optional binary text (STRING); }");
        Group rendered = new SimpleGroup(text);
        rendered.add("text", "<|user|>hi");
        assertEquals("<|user|>hi",
                assertInstanceOf(Conversation.class, read(write(text, rendered), ConversationFormat.AUTO).get(0)).text());
    }

    @Test
    void aDamagedFileIsARejection() throws IOException {
        java.nio.file.Path whole = write(SHAREGPT, row("a", "human", "q", "gpt", "r"));
        byte[] bytes = Files.readAllBytes(whole);
        for (byte[] damaged : List.of(new byte[0], "PAR1".repeat(10).getBytes(), Arrays.copyOf(bytes, bytes.length / 2),
                overwritten(bytes, 4, 60))) {
            Files.write(whole, damaged);
            List<InputRecord> records = read(whole, ConversationFormat.AUTO);
            assertEquals(1, records.size());
            assertTrue(reason(records.get(0)).startsWith("the Parquet file is damaged: "), reason(records.get(0)));
            assertTrue(reason(records.get(0)).contains("; what follows is lost ("), reason(records.get(0)));
        }
    }

    /** A missing codec is a fault of the installation and not of the data. */
    @Test
    void aCodecThatIsNotThereRefusesTheRun() throws IOException {
        java.nio.file.Path file = write(SHAREGPT, row("a", "human", "q", "gpt", "r"));
        byte[] bytes = Files.readAllBytes(file);
        int changed = 0;
        for (int i = 0; i + 2 < bytes.length; i++) {
            // A column's codec, ZSTD, and the number of its values.
            if (bytes[i] == 0x15 && bytes[i + 1] == 0x0c && bytes[i + 2] == 0x16) {
                bytes[i + 1] = 0x08;
                changed++;
            }
        }
        assertEquals(4, changed);
        Files.write(file, bytes);
        for (Executable look : List.<Executable>of(() -> read(file, ConversationFormat.AUTO),
                () -> ConversationFiles.require(file.toUri().toString(), new Configuration()))) {
            String message = assertThrows(RefusalException.class, look).getMessage();
            assertTrue(message.contains("x.parquet is compressed with BROTLI, which this installation"), message);
        }
    }

    @Test
    void bytesThatAreNoTextCostTheirRowOrNothing() throws IOException {
        MessageType schema = MessageTypeParser.parseMessageType(
                "message m { optional binary text (STRING); optional binary image; optional double score; }");
        Group bad = new SimpleGroup(schema);
        bad.add("text", Binary.fromConstantByteArray(new byte[] {'a', (byte) 0xe9, 'b'}));
        Group good = new SimpleGroup(schema);
        good.add("text", "hi");
        good.add("image", Binary.fromConstantByteArray(new byte[] {(byte) 0xff, (byte) 0xd8}));
        good.add("score", Double.NaN);
        List<InputRecord> records = read(write(schema, bad, good), ConversationFormat.AUTO);
        assertEquals("invalid UTF-8", reason(records.get(0)));
        assertEquals("hi", assertInstanceOf(Conversation.class, records.get(1)).text());
    }

    private static byte[] overwritten(byte[] bytes, int from, int to) {
        byte[] changed = bytes.clone();
        Arrays.fill(changed, from, to, (byte) 0xff);
        return changed;
    }

    private static Group row(String id, String... turns) {
        Group row = new SimpleGroup(SHAREGPT);
        row.add("id", id);
        Group list = row.addGroup("conversations");
        for (int i = 0; i < turns.length; i += 2) {
            Group turn = list.addGroup(0).addGroup(0);
            turn.add("from", turns[i]);
            if (turns[i + 1] != null) {
                turn.add("value", turns[i + 1]);
            }
        }
        return row;
    }

    private java.nio.file.Path write(MessageType schema, Group... rows) throws IOException {
        java.nio.file.Path file = scratch.resolve("x.parquet");
        Files.deleteIfExists(file);
        try (ParquetWriter<Group> writer = ExampleParquetWriter.builder(new Path(file.toUri())).withType(schema)
                .withConf(new Configuration()).withCompressionCodec(CompressionCodecName.ZSTD).build()) {
            for (Group row : rows) {
                writer.write(row);
            }
        }
        // Its checksum would be the local file system's complaint, not Parquet's.
        Files.deleteIfExists(scratch.resolve(".x.parquet.crc"));
        return file;
    }

    private static List<InputRecord> read(java.nio.file.Path file, ConversationFormat format) throws IOException {
        List<InputRecord> records = new ArrayList<>();
        try (ConversationReader reader = ConversationFiles.open(file.toUri().toString(), new Configuration(), format)) {
            reader.forEachRemaining(records::add);
        }
        return records;
    }

    private static String reason(InputRecord record) {
        return assertInstanceOf(Rejection.class, record).reason();
    }
}
