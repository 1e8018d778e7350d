package dev.aerie.host;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.aerie.errors.RefusalException;
import dev.aerie.testing.RemoteFiles;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.EtagSource;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What {@link HostModelTest} holds of a pretended file system, of models on an S3 and an HDFS. */
@Timeout(300)
class RemoteModelsIT {

    private static final int BYTES = 300_000;

    @TempDir
    java.nio.file.Path temporary;

    /** As a new job finds it. */
    private HostModel found(RemoteFiles files, String uri, ModelCache.Check check) throws IOException {
        return HostModel.find(uri, new ModelCache(temporary.resolve("cache").toString(), Long.MAX_VALUE, check), files.conf());
    }

    private HostModel found(RemoteFiles files, String uri) throws IOException {
        return found(files, uri, ModelCache.Check.SIZES);
    }

    private static Map<String, byte[]> content(int seed) {
        byte[] weights = new byte[BYTES];
        new Random(seed).nextBytes(weights);
        return Map.of("config.json", "{}".getBytes(), "tokenizer.json", "{}".getBytes(), "model.safetensors", weights);
    }

    private static void write(String uri, Map<String, byte[]> content, Configuration conf) throws IOException {
        for (Map.Entry<String, byte[]> file : content.entrySet()) {
            Path path = new Path(uri, file.getKey());
            try (OutputStream out = path.getFileSystem(conf).create(path, true)) {
                out.write(file.getValue());
            }
        }
    }

    private static void assertCopy(Map<String, byte[]> content, java.nio.file.Path copy) throws IOException {
        for (Map.Entry<String, byte[]> file : content.entrySet()) {
            assertEquals(-1, Files.mismatch(copy.resolve(file.getKey()),
                    Files.write(Files.createTempFile(copy.getParent().getParent(), "expected", ""), file.getValue())));
        }
    }

    @ParameterizedTest
    @EnumSource
    void threadsAndProcessesThatAskAtOnceCopyOnce(RemoteFiles files) throws Exception {
        String uri = files.newFolder() + "/model";
        Map<String, byte[]> content = content(1);
        write(uri, content, files.conf());
        List<Process> others = List.of(otherProcess(files, uri), otherProcess(files, uri));
        ExecutorService threads = Executors.newFixedThreadPool(3);
        Configuration conf = files.conf();
        List<Callable<java.nio.file.Path>> calls = Collections.nCopies(3, () -> found(files, uri).folder(conf));
        for (Future<java.nio.file.Path> copy : threads.invokeAll(calls)) {
            assertCopy(content, copy.get());
        }
        threads.shutdown();
        for (Process other : others) {
            String said = new String(other.getInputStream().readAllBytes());
            assertTrue(other.waitFor(200, TimeUnit.SECONDS));
            assertEquals(0, other.exitValue(), said);
            assertTrue(said.contains(found(files, uri).folder(conf).toString()), said);
        }
        // One whole copy under one name, and nothing that others began.
        try (var made = Files.list(temporary.resolve("cache"))) {
            assertEquals(1, made.filter(Files::isDirectory).count());
        }
    }

    private Process otherProcess(RemoteFiles files, String uri) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                java.nio.file.Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-Xmx192m", "-cp",
                System.getProperty("java.class.path"), RemoteModelsIT.class.getName(), uri,
                temporary.resolve("cache").toString()));
        files.settings().forEach((key, value) -> command.add(key + "=" + value));
        return new ProcessBuilder(command).redirectErrorStream(true).start();
    }

    /** Another process of this host: requests a model and ends. */
    public static void main(String[] arguments) throws IOException {
        Configuration conf = new Configuration();
        for (String setting : List.of(arguments).subList(2, arguments.length)) {
            conf.set(setting.substring(0, setting.indexOf('=')), setting.substring(setting.indexOf('=') + 1));
        }
        ModelCache copies = new ModelCache(arguments[1], Long.MAX_VALUE, ModelCache.Check.SIZES);
        System.out.println(HostModel.find(arguments[0], copies, conf).folder(conf));
    }

    @ParameterizedTest
    @EnumSource
    void whatChangesIsCopiedAgainAndRefusedWithinOneJob(RemoteFiles files) throws Exception {
        String uri = files.newFolder() + "/model";
        write(uri, content(1), files.conf());
        Configuration conf = files.conf();
        HostModel job = found(files, uri);
        java.nio.file.Path first = job.folder(conf);

        // The same bytes again: an object store has the same ETag, HDFS another modification time.
        if (files == RemoteFiles.S3) {
            write(uri, content(1), files.conf());
            assertEquals(first, job.folder(conf));
            FileSystem fs = new Path(uri).getFileSystem(files.conf());
            assertFalse(((EtagSource) fs.listStatus(new Path(uri))[0]).getEtag().isEmpty());
        }

        // Other bytes of the same length.
        Thread.sleep(10);
        write(uri, content(2), files.conf());
        assertEquals("The files of " + uri + " have changed since this job began",
                assertThrows(IOException.class, () -> job.folder(conf)).getMessage());
        java.nio.file.Path second = found(files, uri).folder(conf);
        assertFalse(second.equals(first));
        assertCopy(content(2), second);
        assertCopy(content(1), first);

        // Damage on this host is found by length, and by checksum where that is asked for.
        Files.write(second.resolve("model.safetensors"), new byte[3]);
        assertCopy(content(2), found(files, uri).folder(conf));
        Files.write(second.resolve("model.safetensors"), new byte[BYTES]);
        assertCopy(content(2), found(files, uri, ModelCache.Check.CHECKSUMS).folder(conf));
    }

    @ParameterizedTest
    @EnumSource
    void whatIsNoModelIsNamed(RemoteFiles files) throws IOException {
        String uri = files.newFolder() + "/model";
        assertEquals("Missing model folder: " + uri,
                assertThrows(RefusalException.class, () -> found(files, uri)).getMessage());
        write(uri, Map.of("tokenizer.json", "{}".getBytes()), files.conf());
        assertEquals("Invalid model: " + uri + " (expected a folder with config.json)",
                assertThrows(RefusalException.class, () -> found(files, uri)).getMessage());
    }
}
