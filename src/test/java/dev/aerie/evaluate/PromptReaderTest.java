package dev.aerie.evaluate;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.aerie.errors.RefusalException;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import java.util.zip.GZIPOutputStream;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PromptReaderTest {

    @TempDir
    Path folder;

    @Test
    void readsEveryFormat() throws IOException {
        Path file = folder.resolve("prompts.jsonl");
        Files.writeString(file, """
                {"question": "a?", "answer": "b"}

                {"prompt": "héllo"}
                {"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}]}
                {"prompt": "left out"}
                """);
        List<Prompt> prompts = read(file, PromptFormat.AUTO, 3);
        assertEquals(List.of("user:a?", "user:héllo", "system:s user:u"), prompts.stream().map(PromptReaderTest::text).toList());
        assertEquals(List.of(0, 1, 2), prompts.stream().map(Prompt::index).toList());
    }

    @Test
    void readsGzip() throws IOException {
        Path file = folder.resolve("prompts.jsonl.gz");
        try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(file))) {
            out.write("{\"question\": \"a?\"}\n".getBytes(StandardCharsets.UTF_8));
        }
        assertArrayEquals(new long[] {'u', 's', 'e', 'r', ':', 'a', '?'}, read(file, PromptFormat.GSM8K, 9).get(0).ids());
    }

    @Test
    void readsWhatConversationsAreReadFrom() throws IOException {
        String[] same = {
            "{\"prompt\": \"hi\"}", "[{\"prompt\": \"hi\"}]", "\ufeff{\"prompt\": \"hi\"}",
                    "{\"prompt\": \"hi\", \"messages\": null}",
            "{\"question_id\": 81, \"turns\": [\"hi\", \"and then?\"]}",
            "{\"messages\": [{\"role\": \"user\", \"content\": [{\"type\": \"text\", \"text\": \"hi\"}]}]}",
            "{\"conversations\": [{\"from\": \"human\", \"value\": \"hi\"}]}",
            "{\"prompt\": [{\"role\": \"user\", \"content\": \"hi\"}]}",
                    "{\"turns\": [{\"role\": \"user\", \"content\": \"hi\"}]}",
            "{\"prompt\": [{\"type\": \"text\", \"text\": \"hi\"}]}", "\"hi\"", "[\"hi\"]"};
        Path file = folder.resolve("prompts.jsonl");
        for (String record : same) {
            Files.writeString(file, record);
            assertEquals("user:hi", text(read(file, PromptFormat.AUTO, 9).get(0)), record);
        }
        Files.writeString(file, "{\"messages\": [{\"role\": \"developer\", \"content\": \"s\"}, {\"role\": \"user\", "
                + "\"content\": \"q\"}]}");
        assertEquals("system:s user:q", text(read(file, PromptFormat.AUTO, 9).get(0)));
        Files.writeString(file,
                "{\"messages\": [{\"role\": \"user\", \"content\": \"q\"}, {\"role\": \"assistant\", \"content\": \"\", "
                + "\"tool_calls\": [{\"function\": {\"name\": \"f\", \"arguments\": \"{}\"}}]}, {\"role\": \"tool\", "
                        + "\"content\": \"7\"}]}");
        assertEquals("user:q tool:7", text(read(file, PromptFormat.AUTO, 9).get(0)));
    }

    @Test
    void refusesWhatItCannotUse() throws IOException {
        refuses("{\"prompt\": \"x\"}", PromptFormat.GSM8K, ", record 1 (expected a question)");
        refuses("{\"prompt\": \"x\"}\n{\"prompt\": 7}", PromptFormat.JSONL,
                ", record 2 (expected a prompt, turns, or messages that end with the user's)");
        refuses("{\"messages\": [{\"role\": \"assistant\", \"content\": \"x\"}]}", PromptFormat.AUTO,
                ", record 1 (wrong role order: turn 1 is assistant and the first)");
        refuses("\n", PromptFormat.AUTO, " holds none (expected at least one record)");
        refuses("{\"prompt\": \"\"}", PromptFormat.AUTO,
                ", record 1 has 0 tokens (expected 1 to 20, so that its continuation fits the target)");
        refuses("{\"prompt\": \"0123456789abcdefg\"}", PromptFormat.AUTO,
                ", record 1 has 22 tokens (expected 1 to 20, so that its continuation fits the target)");
        Files.write(folder.resolve("p"), new byte[] {(byte) 0xff, '\n'});
        assertTrue(refusal(PromptFormat.AUTO).contains("UTF-8"));
        Files.delete(folder.resolve("p"));
        assertEquals("Missing prompts: " + folder.resolve("p"), refusal(PromptFormat.AUTO));
        Files.writeString(folder.resolve("p"), "{oops\n");
        assertEquals(1, refusal(PromptFormat.AUTO).lines().count());
    }

    private void refuses(String content, PromptFormat format, String message) throws IOException {
        Files.writeString(folder.resolve("p"), content);
        assertEquals("Invalid prompts: " + folder.resolve("p") + message, refusal(format));
    }

    private String refusal(PromptFormat format) {
        return assertThrows(RefusalException.class, () -> read(folder.resolve("p"), format, 9)).getMessage();
    }

    /** Encodes characters as tokens. */
    private static List<Prompt> read(Path file, PromptFormat format, int limit) throws IOException {
        return new PromptReader(format, prompt -> prompt.messages().stream()
                        .filter(m -> !m.content().isEmpty())
                        .map(m -> m.role() + ":" + m.content())
                        .collect(Collectors.joining(" ")).chars().toArray(), 20)
                .read(file.toString(), new Configuration(), limit);
    }

    private static String text(Prompt prompt) {
        StringBuilder out = new StringBuilder();
        for (long id : prompt.ids()) {
            out.append((char) id);
        }
        return out.toString();
    }
}
