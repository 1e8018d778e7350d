package dev.aerie.host;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.aerie.errors.RefusalException;
import dev.aerie.files.Sha256;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(300)
class HostModelTest {

    private static final List<String> FILES = List.of("config.json", "model-1.safetensors", "model-2.safetensors",
            "model.safetensors.index.json", "tokenizer.json");
    private static final int SHARD = 50_000;

    @TempDir
    Path temporary;

    private Path cache;
    private ModelCache copies;
    private final Configuration conf = CountedFileSystem.register(new Configuration());

    @BeforeEach
    void chooseTheCache() {
        cache = temporary.resolve("cache");
        copies = new ModelCache(cache.toString(), Long.MAX_VALUE, ModelCache.Check.SIZES);
    }

    /** Two shards and small files that are needed, and others that are not. */
    private Path model(String name) throws IOException {
        Path folder = Files.createDirectories(temporary.resolve(name));
        Files.writeString(folder.resolve("config.json"), "{}");
        Files.writeString(folder.resolve("tokenizer.json"), "{}");
        Files.writeString(folder.resolve("README.md"), "not needed");
        Files.write(folder.resolve("consolidated.safetensors"), new byte[SHARD]);
        Files.writeString(folder.resolve("model.safetensors.index.json"),
                "{\"weight_map\": {\"a\": \"model-1.safetensors\", \"b\": \"model-2.safetensors\"}}");
        Random random = new Random(name.hashCode());
        for (String shard : List.of("model-1.safetensors", "model-2.safetensors")) {
            byte[] bytes = new byte[SHARD];
            random.nextBytes(bytes);
            Files.write(folder.resolve(shard), bytes);
        }
        return folder;
    }

    /** As a new job finds it. */
    private Path copyOf(Path model) throws IOException {
        return HostModel.find(CountedFileSystem.uri(model), copies, conf).folder(conf);
    }

    private static void assertSame(Path model, Path copy) throws IOException {
        for (String file : FILES) {
            assertEquals(-1, Files.mismatch(model.resolve(file), copy.resolve(file)), file);
        }
    }

    /** Otherwise a conversation with tools would get another template than on the model's file system. */
    @Test
    void templatesForOtherUsesAreCopiedToo() throws IOException {
        Path model = model("templates");
        Files.createDirectories(model.resolve("additional_chat_templates"));
        for (String name : List.of("tool_use.jinja", "rag.jinja", "notes.txt")) {
            Files.writeString(model.resolve("additional_chat_templates").resolve(name), name);
        }
        Path copy = copyOf(model).resolve("additional_chat_templates");
        assertEquals("tool_use.jinja", Files.readString(copy.resolve("tool_use.jinja")));
        assertEquals("rag.jinja", Files.readString(copy.resolve("rag.jinja")));
        assertFalse(Files.exists(copy.resolve("notes.txt")));
        Files.writeString(model.resolve("additional_chat_templates/tool_use.jinja"), "another template");
        assertEquals("another template", Files.readString(copyOf(model).resolve("additional_chat_templates/tool_use.jinja")));
    }

    @Test
    void theConfigurationOfAModelElsewhereIsReadAndNotKept() throws IOException {
        Path model = model("configuration");
        List<Path> read = new ArrayList<>();
        HostModel.FolderReader<String> reader = folder -> {
            read.add(folder);
            return Files.readString(folder.resolve("config.json"));
        };
        String expected = Files.readString(model.resolve("config.json"));
        assertEquals(expected, HostModel.readConfiguration(model.toString(), conf, reader));
        assertEquals(expected, HostModel.readConfiguration(CountedFileSystem.uri(model), conf, reader));
        HostModel.FolderReader<String> failing = folder -> {
            read.add(folder);
            throw new IllegalStateException("no such family");
        };
        assertThrows(IllegalStateException.class,
                () -> HostModel.readConfiguration(CountedFileSystem.uri(model), conf, failing));
        assertEquals(model, read.get(0));
        assertTrue(Files.exists(model.resolve("config.json")));
        assertFalse(Files.exists(read.get(1)));
        assertFalse(Files.exists(read.get(2)));
    }

    @Test
    void aModelOfThisHostIsUsedWhereItLies() throws IOException {
        Path model = model("here");
        for (String spelled : List.of(model.toString(), model.toUri().toString())) {
            HostModel found = HostModel.find(spelled, copies, conf);
            assertEquals(model.toString(), found.uri());
            assertEquals(model, found.folder(conf));
        }
        assertEquals(model, HostModel.at(model).folder(conf));
        assertFalse(Files.exists(cache));
    }

    @Test
    void copiesTheNeededFilesAndNothingElse() throws IOException {
        Path model = model("needed");
        Path copy = copyOf(model);
        assertSame(model, copy);
        assertFalse(Files.exists(copy.resolve("consolidated.safetensors")));
        assertFalse(Files.exists(copy.resolve("README.md")));
        CopyManifest manifest = CopyManifest.read(copy).orElseThrow();
        assertEquals(model.toString(), new org.apache.hadoop.fs.Path(manifest.source()).toUri().getPath());
        assertEquals(FILES, manifest.files().stream().map(CopyManifest.CopiedFile::name).toList());
        assertEquals(Sha256.of(model.resolve("model-1.safetensors")), manifest.files().get(1).sha256());
    }

    @Test
    void threadsAndProcessesThatAskAtOnceCopyOnce() throws Exception {
        Path model = model("once");
        conf.setInt(CountedFileSystem.DELAY, 5);
        List<Process> others = List.of(otherProcess(model), otherProcess(model));
        ExecutorService threads = Executors.newFixedThreadPool(3);
        List<Callable<Path>> calls = Collections.nCopies(3, () -> copyOf(model));
        for (Future<Path> copy : threads.invokeAll(calls)) {
            assertSame(model, copy.get());
        }
        threads.shutdown();
        for (Process other : others) {
            assertTrue(other.waitFor(200, TimeUnit.SECONDS));
            assertEquals(0, other.exitValue(), new String(other.getInputStream().readAllBytes()));
        }
        List<String> shards = CountedFileSystem.opened(model).stream().filter(f -> f.endsWith(".safetensors")).sorted().toList();
        assertEquals(List.of("model-1.safetensors", "model-2.safetensors"), shards);
    }

    @Test
    void aCopyThatWasKilledHalfWayIsMadeAgain() throws Exception {
        Path model = model("killed");
        conf.setInt(CountedFileSystem.DELAY, 10_000);
        Process victim = otherProcess(model);
        Path part = awaitPart();
        victim.destroyForcibly().waitFor();
        assertTrue(Files.exists(part));
        conf.setInt(CountedFileSystem.DELAY, 0);
        assertSame(model, copyOf(model));
        assertFalse(Files.exists(part));
    }

    private Path awaitPart() throws Exception {
        while (true) {
            if (Files.isDirectory(cache)) {
                try (Stream<Path> all = Files.list(cache)) {
                    List<Path> parts = all.filter(p -> p.toString().endsWith(".part")).toList();
                    if (!parts.isEmpty() && Files.exists(parts.get(0).resolve("model-1.safetensors"))) {
                        return parts.get(0);
                    }
                }
            }
            Thread.sleep(20);
        }
    }

    private Process otherProcess(Path model) throws IOException {
        List<String> command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx128m", "-cp", System.getProperty("java.class.path"), HostModelTest.class.getName(),
                CountedFileSystem.uri(model), cache.toString(), conf.get(CountedFileSystem.DELAY, "0")));
        return new ProcessBuilder(command).redirectErrorStream(true).start();
    }

    /** Another process of this host: requests a model and ends. */
    public static void main(String[] arguments) throws IOException {
        Configuration conf = CountedFileSystem.register(new Configuration());
        conf.set(CountedFileSystem.DELAY, arguments[2]);
        ModelCache copies = new ModelCache(arguments[1], Long.MAX_VALUE, ModelCache.Check.SIZES);
        System.out.println(HostModel.find(arguments[0], copies, conf).folder(conf));
    }

    @Test
    void aDamagedCopyIsFoundAndMadeAgain() throws IOException {
        Path model = model("damaged");
        Path copy = copyOf(model);
        Files.write(copy.resolve("model-1.safetensors"), new byte[3]);
        assertSame(model, copyOf(model));
        Files.delete(copy.resolve("tokenizer.json"));
        assertSame(model, copyOf(model));
        Files.write(copy.resolve("model-2.safetensors"), new byte[SHARD]);
        copyOf(model);
        assertTrue(Files.mismatch(model.resolve("model-2.safetensors"), copy.resolve("model-2.safetensors")) >= 0);
        copies = new ModelCache(cache.toString(), Long.MAX_VALUE, ModelCache.Check.CHECKSUMS);
        assertSame(model, copyOf(model));
    }

    @Test
    void anotherContentIsAnotherCopyAndNoneWithinOneJob() throws Exception {
        Path model = model("changed");
        HostModel found = HostModel.find(CountedFileSystem.uri(model), copies, conf);
        Path before = found.folder(conf);
        HostModel task = sent(found);
        assertEquals(found, task);
        assertEquals(before, task.folder(conf));
        Files.write(model.resolve("model-1.safetensors"), new byte[SHARD]);
        Files.setLastModifiedTime(model.resolve("model-1.safetensors"), FileTime.fromMillis(1));
        IOException e = assertThrows(IOException.class, () -> task.folder(conf));
        assertTrue(e.getMessage().contains("have changed since this job began"), e.getMessage());
        Path after = copyOf(model);
        assertFalse(after.equals(before));
        assertSame(model, after);
    }

    /** As a task gets it from the driver. */
    private static HostModel sent(HostModel model) throws Exception {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
            out.writeObject(model);
        }
        try (ObjectInputStream in = new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
            return (HostModel) in.readObject();
        }
    }

    @Test
    void theOldestUnusedCopiesMakeRoom() throws Exception {
        List<Path> models = List.of(model("first"), model("second"), model("third"));
        // Copies made by processes that have ended, so that they are unused.
        for (Path model : models) {
            assertEquals(0, otherProcess(model).waitFor());
        }
        Path used = copyOf(models.get(0));
        Path foreign = Files.createDirectories(cache.resolve("somebody's models"));
        Files.write(foreign.resolve("model.safetensors"), new byte[SHARD]);
        age("second", 2);
        age("third", 1);
        age("first", 3);
        copies = new ModelCache(cache.toString(), 7L * SHARD, ModelCache.Check.SIZES);
        Path fourth = copyOf(model("fourth"));
        assertEquals(List.of(used, fourth, copy("third")).stream().sorted().toList(), copies());
        copies = new ModelCache(cache.toString(), 5L * SHARD, ModelCache.Check.SIZES);
        copyOf(models.get(0));
        String message = assertThrows(RefusalException.class, () -> copyOf(model("fifth"))).getMessage();
        assertTrue(message.startsWith("Invalid target.cache: ") && message.contains("target.cache_bytes"), message);
        assertEquals(List.of(used, fourth).stream().sorted().toList(), copies());
        assertTrue(Files.exists(foreign.resolve("model.safetensors")));
    }

    private List<Path> copies() throws IOException {
        try (Stream<Path> all = Files.list(cache)) {
            return all.filter(p -> Files.exists(p.resolve(CopyManifest.FILE))).sorted().toList();
        }
    }

    private Path copy(String name) throws IOException {
        return copies().stream().filter(p -> p.getFileName().toString().startsWith(name + "-")).findFirst().orElseThrow();
    }

    private void age(String name, int days) throws IOException {
        Path lock = cache.resolve(copy(name).getFileName() + ".lock");
        Files.setLastModifiedTime(lock, FileTime.fromMillis(System.currentTimeMillis() - Duration.ofDays(days).toMillis()));
    }

    @Test
    void aFullDiskIsRefusedBeforeAnythingIsCopied() throws IOException {
        Path model = model("large");
        ModelCopies copies = new ModelCopies(cache,
                new ModelCopies.Limits(Long.MAX_VALUE, false, Duration.ofSeconds(5), folder -> 2L * SHARD, 0));
        SourceModel source = SourceModel.list(CountedFileSystem.uri(model), conf);
        String message = assertThrows(RefusalException.class, () -> copies.folder(source)).getMessage();
        assertTrue(message.contains("lacks 0.000 GB") && message.contains("free on its disk"), message);
        assertEquals(List.of("model.safetensors.index.json"), CountedFileSystem.opened(model));
        assertEquals(List.of(), copies());
    }

    @Test
    void aCopyThatStandsStillFails() throws IOException {
        Path model = model("still");
        conf.setInt(CountedFileSystem.DELAY, 3000);
        ModelCopies copies = new ModelCopies(cache,
                new ModelCopies.Limits(Long.MAX_VALUE, false, Duration.ofMillis(300), folder -> Long.MAX_VALUE, 0));
        // The index is read by itself, at the same pace.
        Files.delete(model.resolve("model.safetensors.index.json"));
        SourceModel source = SourceModel.list(CountedFileSystem.uri(model), conf);
        IOException e = assertThrows(IOException.class, () -> copies.folder(source));
        assertTrue(e.getMessage().contains("stands still"), e.getMessage());
        assertEquals(List.of(), copies());
    }

    @Test
    void whatIsNoModelIsRefusedBeforeAnythingIsMade() throws IOException {
        Path empty = Files.createDirectories(temporary.resolve("empty"));
        assertTrue(assertThrows(RefusalException.class, () -> copyOf(empty)).getMessage()
                .endsWith("(expected a folder with config.json)"));
        assertTrue(assertThrows(RefusalException.class, () -> copyOf(temporary.resolve("none"))).getMessage()
                .startsWith("Missing model folder: "));
        assertFalse(Files.exists(cache));
    }
}
