package dev.aerie.prepare;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.aerie.text.Conversation;
import dev.aerie.text.ConversationFormat;
import dev.aerie.text.ConversationReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ConversationFilesTest {

    private final Configuration conf = new Configuration();

    @TempDir
    Path folder;

    /** A folder that Spark wrote: an empty _SUCCESS is no conversation. */
    @Test
    void aFolderIsItsFilesInOrderWithoutBookkeeping() throws IOException {
        for (String name : List.of("b.jsonl", "_SUCCESS", ".b.jsonl.crc", "a.jsonl")) {
            Files.writeString(folder.resolve(name), "{\"text\": \"" + name + "\"}\n");
        }
        List<String> found = ConversationFiles.find(folder.toString(), conf);
        assertEquals(List.of("a.jsonl", "b.jsonl"), found.stream().map(f -> f.substring(f.lastIndexOf('/') + 1)).toList());
        assertEquals(found, ConversationFiles.find(folder + "/*.jsonl", conf));
        assertTrue(ConversationFiles.find(folder + "/*.parquet", conf).isEmpty());
        try (ConversationReader reader = ConversationFiles.open(found.get(1), conf, ConversationFormat.PREFORMATTED)) {
            assertEquals("b.jsonl", ((Conversation) reader.next()).text());
        }
    }
}
