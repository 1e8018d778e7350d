package dev.aerie.files;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.aerie.testing.FaultyFileSystem;
import dev.aerie.testing.FaultyFileSystem.When;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Every call of every write fails once, before, midway and after, under the primitive of every scheme. */
class FolderFaultsTest {

    private static final byte[] OLD = "the old content".getBytes(StandardCharsets.UTF_8);
    private static final byte[] NEW = "the new and longer content".getBytes(StandardCharsets.UTF_8);

    @TempDir
    Path temporary;

    @AfterEach
    void sound() {
        FaultyFileSystem.fail(0, When.BEFORE);
    }

    private interface Step {
        void run(Folder folder) throws IOException;
    }

    private interface Check {
        void that(Path file, boolean succeeded) throws IOException;
    }

    private void everyCall(String scheme, boolean before, Step step, Check check) throws IOException {
        for (When when : When.values()) {
            for (int call = 1;; call++) {
                Path place = Files.createDirectories(temporary.resolve(scheme + when + call));
                if (before) {
                    Files.write(place.resolve("name"), OLD);
                }
                FaultyFileSystem.fail(0, when);
                Folder folder = Folder.at(scheme + "://" + place, FaultyFileSystem.serving(scheme));
                FaultyFileSystem.fail(call, when);
                boolean succeeded = true;
                try {
                    step.run(folder);
                } catch (IOException injected) {
                    succeeded = false;
                }
                boolean ended = FaultyFileSystem.calls() < call;
                FaultyFileSystem.fail(0, when);
                check.that(place.resolve("name"), succeeded);
                // Whatever happened, doing it again works.
                step.run(folder);
                check.that(place.resolve("name"), true);
                if (ended) {
                    assertTrue(call > 1);
                    break;
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"file", "hdfs", "s3a", "objects", "shown"})
    void aReplacedFileIsTheOldOrTheNew(String scheme) throws IOException {
        everyCall(scheme, true, folder -> folder.write("name", out -> {
            out.write(NEW, 0, 10);
            out.write(NEW, 10, NEW.length - 10);
        }), (file, succeeded) -> {
            byte[] found = Files.readAllBytes(file);
            assertTrue(java.util.Arrays.equals(found, NEW) || !succeeded && java.util.Arrays.equals(found, OLD),
                    new String(found, StandardCharsets.UTF_8));
        });
    }

    @ParameterizedTest
    @ValueSource(strings = {"file", "hdfs", "s3a", "objects", "shown"})
    void anExclusiveFileIsWholeOrNotThere(String scheme) throws IOException {
        everyCall(scheme, false, folder -> folder.createOrRead("name", NEW), (file, succeeded) -> {
            if (succeeded || Files.exists(file)) {
                assertArrayEquals(NEW, Files.readAllBytes(file));
            }
        });
    }

    @ParameterizedTest
    @ValueSource(strings = {"file", "hdfs", "s3a", "objects", "shown"})
    void theFirstExclusiveWriterWins(String scheme) throws IOException {
        everyCall(scheme, true, folder -> assertArrayEquals(OLD, folder.createOrRead("name", NEW)),
                (file, succeeded) -> assertArrayEquals(OLD, Files.readAllBytes(file)));
    }

    @ParameterizedTest
    @ValueSource(strings = {"file", "hdfs", "s3a", "objects", "shown"})
    void contentThatFailsMidwayLeavesTheOldFile(String scheme) throws IOException {
        Folder folder = Folder.at(scheme + "://" + temporary, FaultyFileSystem.serving(scheme));
        folder.write("name", OLD);
        assertThrows(IOException.class, () -> folder.write("name", out -> {
            out.write(NEW, 0, 5);
            throw new IOException("the old copy cannot be read");
        }));
        assertArrayEquals(OLD, folder.read("name").orElseThrow());
        assertEquals(java.util.List.of("name"), folder.names(""));
    }
}
