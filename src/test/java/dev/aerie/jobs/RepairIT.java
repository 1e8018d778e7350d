package dev.aerie.jobs;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.aerie.store.CommittedShard;
import dev.aerie.store.HiddenStateStore;
import dev.aerie.testing.TinyProject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerTaskEnd;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RepairIT {

    @TempDir
    Path folder;

    private Path store;
    private String[] recipe;

    @BeforeEach
    void prepare() throws IOException {
        TinyProject project = TinyProject.in(folder);
        store = folder.resolve("store");
        recipe = new String[] {"--config", project.recipe().toString(), "--set", "store.shard_tokens=200"};
        assertEquals(0, CommandLines.run(new PrepareHiddenStates(), recipe));
    }

    private static int run(Callable<Integer> command, String... arguments) {
        return CommandLines.run(command, arguments);
    }

    private int repair(String... more) {
        return run(new Aerie(), Stream.of(Stream.of("repair"), Stream.of(recipe), Stream.of(more)).flatMap(s -> s)
                .toArray(String[]::new));
    }

    private List<CommittedShard> shards() throws IOException {
        return HiddenStateStore.open(store.toString(), new Configuration()).shards();
    }

    private Path file(CommittedShard shard) {
        return store.resolve("shards").resolve(shard.file());
    }

    /** Every file of shards and markers, by name. */
    private Map<String, byte[]> content() throws IOException {
        Map<String, byte[]> all = new TreeMap<>();
        try (Stream<Path> files = Files.walk(store)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                String name = store.relativize(file).toString();
                if (name.startsWith("shards/") || name.startsWith("_")) {
                    all.put(name, Files.readAllBytes(file));
                }
            }
        }
        return all;
    }

    private void assertContent(Map<String, byte[]> expected) throws IOException {
        Map<String, byte[]> found = content();
        assertEquals(expected.keySet(), found.keySet());
        expected.forEach((name, bytes) -> assertArrayEquals(bytes, found.get(name), name));
    }

    private static void flip(Path file, int at) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        bytes[Math.floorMod(at, bytes.length)] ^= 0x55;
        Files.write(file, bytes);
    }

    @Test
    void damagedShardsAreMadeAgainWithTheSameBytes() throws IOException {
        Map<String, byte[]> sound = content();
        List<CommittedShard> shards = shards();
        assertTrue(shards.size() > 4, "shards " + shards.size());
        assertEquals(0, run(new Aerie(), "verify-store", store.toString()));
        assertEquals(0, repair());
        assertContent(sound);

        flip(file(shards.get(0)), 100);
        Files.delete(file(shards.get(2)));
        Files.write(file(shards.get(3)), new byte[0]);
        Files.writeString(store.resolve("_committed/shard-00001.json"), "{");
        Files.delete(store.resolve("_committed/shard-00004.json"));
        assertEquals(1, run(new Aerie(), "verify-store", store.toString()));
        assertEquals(0, repair());
        assertContent(sound);

        Files.writeString(store.resolve("_manifest.json"), "[]");
        flip(file(shards.get(1)), -20);
        assertEquals(0, repair());
        assertContent(sound);
        assertEquals(0, run(new Aerie(), "verify-store", store.toString()));
    }

    /** Counts what the tasks of an application shuffle; Spark makes it. */
    public static final class Shuffles extends SparkListener {

        private static final AtomicLong RECORDS = new AtomicLong();
        private static final AtomicLong TASKS = new AtomicLong();

        @Override
        public void onTaskEnd(SparkListenerTaskEnd event) {
            TASKS.incrementAndGet();
            RECORDS.addAndGet(event.taskMetrics().shuffleWriteMetrics().recordsWritten()
                    + event.taskMetrics().shuffleReadMetrics().recordsRead());
        }
    }

    /** Returns what prepare shuffles. */
    private long prepareAgain(String... more) {
        System.setProperty("spark.extraListeners", Shuffles.class.getName());
        try {
            Shuffles.RECORDS.set(0);
            Shuffles.TASKS.set(0);
            String[] all = Stream.concat(Stream.of(recipe), Stream.of(more)).toArray(String[]::new);
            assertEquals(0, CommandLines.run(new PrepareHiddenStates(), all));
            return Shuffles.RECORDS.get();
        } finally {
            System.clearProperty("spark.extraListeners");
        }
    }

    /** Inputs whose files are as they were are not read again, and nothing is shuffled; others are, and compared. */
    @Test
    void prepareGoesOnWithThePlanThatIsThere() throws IOException {
        Map<String, byte[]> sound = content();
        CommittedShard first = shards().get(0);
        Path conversations = folder.resolve("conversations.jsonl");
        Files.delete(store.resolve("_manifest.json"));
        Files.delete(store.resolve("_committed/shard-00000.json"));
        assertEquals(0, prepareAgain());
        assertEquals(1, Shuffles.TASKS.get());
        assertEquals(first.sha256(), shards().get(0).sha256());
        assertEquals(sound.size(), content().size());
        // What only trains and measures may change.
        assertEquals(0, prepareAgain("--set", "train.learning_rate=1e-4"));
        assertEquals(0, Shuffles.TASKS.get());

        Files.setLastModifiedTime(conversations, FileTime.from(Instant.now().minus(Duration.ofDays(3))));
        assertTrue(prepareAgain() > 0);
        assertEquals(0, prepareAgain());
        for (String beside : List.of("vocabulary.json", "ingest.json", "quarantine/_inputs.json", "tokens/_inputs.json")) {
            byte[] before = Files.readAllBytes(store.resolve(beside));
            Files.delete(store.resolve(beside));
            assertTrue(prepareAgain() > 0, beside);
            if (!beside.endsWith("_inputs.json")) {
                assertArrayEquals(before, Files.readAllBytes(store.resolve(beside)), beside);
            }
            assertEquals(0, prepareAgain(), beside);
        }

        String text = Files.readString(conversations);
        Files.writeString(conversations, text.replace("What is 1 and", "What is 7 and"));
        assertEquals(2, CommandLines.run(new PrepareHiddenStates(), recipe));
        Files.writeString(conversations, text);
        for (String other : List.of("store.shard_tokens=201", "store.seed=7", "data.max_length=40",
                "data.held_out.count=4", "store.codec=f32")) {
            String[] all = Stream.concat(Stream.of(recipe), Stream.of("--set", other)).toArray(String[]::new);
            assertEquals(2, CommandLines.run(new PrepareHiddenStates(), all), other);
        }
        assertEquals(first.sha256(), shards().get(0).sha256());
    }

    @Test
    void whatCannotBeMadeAgainStaysAsItIs() throws IOException {
        CommittedShard shard = shards().get(0);
        flip(file(shard), 100);
        Map<String, byte[]> damaged = content();
        // Another micro-batch is another computation, and the fingerprint says so.
        assertEquals(2, repair("--set", "target.micro_batch_tokens=64"));
        assertContent(damaged);
        // A marker and a manifest of other bytes: no engine makes them.
        String other = "0".repeat(64);
        for (String name : List.of("_manifest.json", "_committed/shard-00000.json")) {
            Path json = store.resolve(name);
            Files.writeString(json, Files.readString(json).replace(shard.sha256(), other));
        }
        damaged = content();
        assertFalse(repair() == 0);
        assertContent(damaged);
    }

    @Test
    void vacuumDeletesOldFilesThatNoMarkerNames() throws IOException {
        Map<String, byte[]> sound = content();
        Path old = Files.writeString(store.resolve("shards/shard-00000-0123456789ab.parquet"), "half");
        Path fresh = Files.writeString(store.resolve("shards/shard-00001-0123456789ab.parquet"), "half");
        Files.setLastModifiedTime(old, FileTime.from(Instant.now().minus(Duration.ofHours(30))));
        assertEquals(2, run(new Aerie(), "vacuum", store.toString(), "--older-than", "-1"));
        assertEquals(2, run(new Aerie(), "vacuum", folder.resolve("nowhere").toString()));
        assertEquals(0, run(new Aerie(), "vacuum", store.toString()));
        assertFalse(Files.exists(old));
        assertTrue(Files.exists(fresh));
        assertEquals(0, run(new Aerie(), "vacuum", store.toString(), "--older-than", "0"));
        assertContent(sound);
    }
}
