package dev.aerie.jobs;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.aerie.draft.DraftExport;
import dev.aerie.files.Folder;
import dev.aerie.testing.FaultyFileSystem;
import dev.aerie.testing.FaultyFileSystem.When;
import dev.aerie.torch.Device;
import dev.aerie.train.TrainedDraft;
import dev.aerie.train.TrainedDrafts;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A draft is exported into an empty folder or over an earlier export, as a whole or not at all, and over nothing else. */
class ExportFolderTest {

    @TempDir
    Path folder;

    private final Configuration conf = new Configuration();
    private TrainedDraft first;
    private TrainedDraft second;

    @BeforeEach
    void train() throws IOException {
        first = TrainedDrafts.commit(folder.resolve("first").toString(), conf, TrainedDrafts.config(24), 1);
        second = TrainedDrafts.commit(folder.resolve("second").toString(), conf, TrainedDrafts.config(40), 2);
    }

    @AfterEach
    void sound() {
        FaultyFileSystem.fail(0, When.BEFORE);
    }

    private static void export(TrainedDraft draft, String to, Configuration conf) throws IOException {
        Folder output = Folder.at(to, conf);
        ExportFolder.claim(Place.option("--output", to), output, draft);
        Export.write(draft, output);
    }

    private void assertHolds(TrainedDraft draft, Path exported, String what) {
        try (DraftExport.Draft read = DraftExport.read(exported, Device.CPU)) {
            assertEquals(draft.config().toJson(), read.config().toJson(), what);
            assertArrayEquals(draft.vocabulary().ids(), read.vocabulary().ids(), what);
        }
    }

    @Test
    void anEarlierExportIsReplaced() throws IOException {
        Path to = folder.resolve("draft");
        export(first, to.toString(), conf);
        assertHolds(first, to, "first");
        export(second, to.toString(), conf);
        assertHolds(second, to, "second");
        assertEquals(java.util.Set.of("aerie_export.json", "config.json", "model.safetensors"), content(to).keySet());
        assertTrue(Files.readString(to.resolve("aerie_export.json")).contains("second"));
    }

    @Test
    void anEmptyFolderAndHiddenFilesAreNoObstacle() throws IOException {
        Path to = Files.createDirectories(folder.resolve("draft"));
        export(first, to.toString(), conf);
        assertHolds(first, to, "empty");
        Path hidden = Files.createDirectories(folder.resolve("hidden"));
        Files.writeString(hidden.resolve(".DS_Store"), "x");
        export(first, hidden.toString(), conf);
        assertHolds(first, hidden, "hidden");
    }

    @Test
    void whatIsSomebodyElsesIsRefusedAndStaysAsItIs() throws IOException {
        Path other = folder.resolve("other");
        export(first, other.toString(), conf);
        Files.delete(other.resolve("aerie_export.json"));
        refusedAndUntouched(other, "config.json");
        for (String name : new String[] {"notes.txt", "model.safetensors", "config.json", "tokenizer.json", "_SUCCESS",
                "sub/file"}) {
            Path foreign = folder.resolve("foreign-" + name.replace('/', '-'));
            Files.createDirectories(foreign.resolve(name).getParent());
            Files.writeString(foreign.resolve(name), "somebody's");
            refusedAndUntouched(foreign, name.replaceAll("/.*", ""));
        }
        Path file = Files.writeString(folder.resolve("file"), "somebody's");
        assertThrows(RecipeException.class, () -> export(first, file.toString(), conf));
        assertEquals("somebody's", Files.readString(file));
    }

    private void refusedAndUntouched(Path there, String named) throws IOException {
        Map<String, String> before = content(there);
        String said = assertThrows(RecipeException.class, () -> export(second, there.toString(), conf)).getMessage();
        assertTrue(said.contains(named), said);
        assertEquals(before, content(there));
    }

    private static Map<String, String> content(Path folder) throws IOException {
        Map<String, String> content = new TreeMap<>();
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                content.put(folder.relativize(file).toString(), Files.readString(file, StandardCharsets.ISO_8859_1));
            }
        }
        return content;
    }

    /** Without config.json nothing loads a folder; with it, configuration and weights are of one draft. */
    @ParameterizedTest
    @ValueSource(strings = {"file", "hdfs", "s3a", "objects", "shown"})
    void everyCallOfAnExport(String scheme) throws IOException {
        Configuration faulty = FaultyFileSystem.serving(scheme);
        for (When when : When.values()) {
            boolean ended = false;
            for (int call = 1; !ended; call++) {
                FaultyFileSystem.fail(0, when);
                Path place = folder.resolve(scheme + when + call);
                String to = scheme + "://" + place;
                export(first, to, faulty);
                FaultyFileSystem.fail(call, when);
                boolean succeeded = true;
                try {
                    export(second, to, faulty);
                } catch (IOException injected) {
                    succeeded = false;
                }
                ended = FaultyFileSystem.calls() < call;
                FaultyFileSystem.fail(0, when);

                String what = scheme + ", " + when + " at call " + call;
                if (Files.exists(place.resolve("config.json"))) {
                    boolean old = DraftExport.check(place).toJson().equals(first.config().toJson());
                    assertHolds(succeeded || !old ? second : first, place, what);
                }
                export(second, to, faulty);
                assertHolds(second, place, what);
                assertTrue(!ended || call > 5, what);
            }
        }
    }
}
