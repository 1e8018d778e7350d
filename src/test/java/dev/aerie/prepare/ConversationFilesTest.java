package dev.aerie.prepare;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.aerie.errors.RefusalException;
import dev.aerie.text.Conversation;
import dev.aerie.text.ConversationFormat;
import dev.aerie.text.ConversationReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

class ConversationFilesTest {

    private final Configuration conf = new Configuration();

    @TempDir
    Path folder;

    /** A folder that Spark wrote: an empty _SUCCESS is not a conversation. */
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

    @Test
    void foldersAreReadToAnyDepth() throws IOException {
        List<String> names = List.of("b.jsonl", "dt=2026-08-01/a.jsonl", "dt=2026-08-02/h=3/c.jsonl", "_k=1/d.jsonl",
                "with space/\u00e9\u8a9e\ud83e\udd14.jsonl", "a:b.jsonl", "c:d/e#?%41.jsonl", "[x].jsonl");
        for (String name : names) {
            Path file = folder.resolve(name);
            Files.createDirectories(file.getParent());
            Files.writeString(file, "{\"text\": \"" + name + "\"}\n");
        }
        for (String hidden : List.of("_SUCCESS", "dt=2026-08-01/.a.jsonl.crc", "_temporary/0/x.jsonl", ".hive-staging/y.jsonl")) {
            Files.createDirectories(folder.resolve(hidden).getParent());
            Files.writeString(folder.resolve(hidden), "x");
        }
        ConversationFiles.Found found = ConversationFiles.search(folder.toString(), conf);
        assertEquals(names.stream().sorted().toList(), texts(found.files()).stream().sorted().toList());
        assertEquals(4, found.passedOver().size());
        for (String name : names) {
            assertEquals(List.of(name), texts(ConversationFiles.find(folder.resolve(name).toString(), conf)));
        }
        assertEquals(List.of("dt=2026-08-01/a.jsonl", "dt=2026-08-02/h=3/c.jsonl"),
                texts(ConversationFiles.find(folder + "/dt=*", conf)));
        assertEquals(List.of("a:b.jsonl"), texts(ConversationFiles.find(folder + "/a*", conf)));
        assertEquals(3, ConversationFiles.find(folder + "/*.jsonl", conf).size());
    }

    private List<String> texts(List<String> files) throws IOException {
        List<String> texts = new ArrayList<>();
        for (String file : files) {
            try (ConversationReader reader = ConversationFiles.open(file, conf, ConversationFormat.PREFORMATTED)) {
                texts.add(((Conversation) reader.next()).text());
            }
        }
        return texts;
    }

    /** A file that the user names is read, whatever its name. */
    @Test
    void aNamedFileIsReadWhateverItsName() throws IOException {
        Path file = Files.writeString(folder.resolve("_data.jsonl"), "{\"text\": \"x\"}\n");
        assertEquals(List.of("x"), texts(ConversationFiles.find(file.toString(), conf)));
    }

    @Test
    void whatIsListedAndCannotBeReachedIsRefusedByName() throws IOException {
        Files.writeString(folder.resolve("a.jsonl"), "{\"text\": \"x\"}\n");
        Files.createSymbolicLink(folder.resolve("gone.jsonl"), folder.resolve("nowhere"));
        String message = assertThrows(RefusalException.class, () -> ConversationFiles.find(folder.toString(), conf)).getMessage();
        assertTrue(message.contains("/gone.jsonl"), message);
        Files.delete(folder.resolve("gone.jsonl"));
        Files.createSymbolicLink(folder.resolve("again"), folder);
        message = assertThrows(RefusalException.class, () -> ConversationFiles.find(folder.toString(), conf)).getMessage();
        assertTrue(message.contains("again/again"), message);
        message = assertThrows(RefusalException.class,
                () -> ConversationFiles.open(folder.resolve("missing.jsonl").toString(), conf, ConversationFormat.AUTO))
                        .getMessage();
        assertTrue(message.contains("missing.jsonl"), message);
    }

    @Test
    void whatIsNotReadIsNamedAsWhatItIs() throws IOException {
        Map<String, String> files =
                Map.of("PK\u0003\u0004...", "a ZIP archive", "ARROW1\0\0", "an Arrow IPC file", "ORC", "an ORC file",
                "id,text\n1,a\n", "a CSV file", "{\0\"\0", "text in UTF-16", "\u00fd7zXZ\0", "an xz file",
                "version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "a Git LFS pointer");
        for (Map.Entry<String, String> file : files.entrySet()) {
            Path path = folder.resolve("x.jsonl");
            Files.write(path, file.getKey().getBytes(StandardCharsets.ISO_8859_1));
            for (Executable look : List.<Executable>of(() -> ConversationFiles.require(path.toString(), conf),
                    () -> ConversationFiles.open(path.toString(), conf, ConversationFormat.AUTO))) {
                String message = assertThrows(RefusalException.class, look).getMessage();
                assertTrue(message.contains("x.jsonl is " + file.getValue()), message);
            }
        }
    }
}
