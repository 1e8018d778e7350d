package dev.aerie.jobs;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.aerie.draft.DraftParameters;
import dev.aerie.store.CommittedShard;
import dev.aerie.store.HiddenStateStore;
import dev.aerie.store.RollingStore;
import dev.aerie.testing.TinyProject;
import dev.aerie.torch.Device;
import dev.aerie.torch.Scope;
import dev.aerie.train.TrainedDraft;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The training of a rolling store, through its main: the same draft as that of a whole store, in a fraction of its bytes. */
class RollingIT {

    @TempDir
    Path folder;

    private final Configuration conf = new Configuration();
    private TinyProject project;
    private HiddenStateStore whole;
    private long bytes;
    private long largest;

    @BeforeEach
    void offline() throws IOException {
        project = TinyProject.in(folder);
        assertEquals(0, CommandLines.run(new PrepareHiddenStates(), recipe("whole")));
        assertEquals(0, CommandLines.run(new TrainEagle3(), recipe("whole")));
        whole = HiddenStateStore.open(folder.resolve("whole").toString(), conf);
        bytes = whole.shards().stream().mapToLong(CommittedShard::bytes).sum();
        largest = whole.shards().stream().mapToLong(CommittedShard::bytes).max().orElseThrow();
    }

    @AfterEach
    void anyMaster() {
        System.clearProperty("spark.master");
    }

    private String[] recipe(String name, String... more) {
        List<String> all = new ArrayList<>(List.of("--config", project.recipe().toString(),
                "--set", "store.path=" + folder.resolve(name), "--set", "train.output=" + folder.resolve(name + "-train"),
                "--set", "store.shard_tokens=200", "--set", "store.codec=f32", "--set", "train.epochs=2",
                "--set", "train.checkpoint.every_steps=5"));
        for (String setting : more) {
            all.addAll(List.of("--set", setting));
        }
        return all.toArray(String[]::new);
    }

    private float[] parameters(String name) throws IOException {
        TrainedDraft draft = TrainedDraft.open(folder.resolve(name + "-train").toString(), conf);
        try (Scope scope = Scope.open(); DraftParameters parameters = draft.parameters(Device.CPU)) {
            return parameters.flat().toFloats();
        }
    }

    /** Returns the losses of all steps. */
    private List<String> losses(String name) throws IOException {
        try (Stream<String> lines = Files.lines(folder.resolve(name + "-train/metrics.jsonl"))) {
            return lines.map(line -> line.replaceAll(".*\"loss\":([^,]*),.*", "$1")).collect(Collectors.toList());
        }
    }

    /** Runs a training and returns the most bytes that the shards' files took. */
    private long most(String name, String... more) throws Exception {
        AtomicBoolean ended = new AtomicBoolean();
        AtomicLong most = new AtomicLong();
        Thread watch = new Thread(() -> {
            while (!ended.get()) {
                try (Stream<Path> files = Files.list(folder.resolve(name).resolve("shards"))) {
                    most.accumulateAndGet(files.mapToLong(f -> f.toFile().length()).sum(), Math::max);
                } catch (IOException | RuntimeException e) {
                    // Not there yet, or a file went while it was looked at.
                }
            }
        });
        watch.start();
        try {
            assertEquals(0, CommandLines.run(new TrainEagle3(), recipe(name, more)));
        } finally {
            ended.set(true);
            watch.join();
        }
        return most.get();
    }

    private void assertSame(String name) throws IOException {
        assertEquals(losses("whole"), losses(name));
        assertArrayEquals(parameters("whole"), parameters(name));
        List<CommittedShard> made = HiddenStateStore.open(folder.resolve(name).toString(), conf).shards();
        assertEquals(whole.shards().stream().map(CommittedShard::sha256).toList(),
                made.stream().map(CommittedShard::sha256).toList());
        assertFalse(RollingStore.at(folder.resolve(name).toString(), conf).evicted().isEmpty());
    }

    @Test
    void trainsInAFractionOfTheBytesAndComputesTheSame() throws Exception {
        long budget = bytes / 2;
        assertTrue(whole.shards().size() > 6, () -> whole.shards().size() + " shards");
        for (String master : List.of("local[2]", "local[1]")) {
            String name = master.equals("local[1]") ? "one" : "two";
            System.setProperty("spark.master", master);
            long most = most(name, "store.rolling=true", "store.max_bytes=" + budget);
            assertTrue(most <= budget + largest, name + ": " + most + " of " + budget);
            assertSame(name);
            assertEquals(0, CommandLines.run(new Aerie(), "verify-store", folder.resolve(name).toString()));
        }
        // A whole store again: prepare makes what was evicted, with the bytes that it had.
        assertEquals(0, CommandLines.run(new PrepareHiddenStates(), recipe("one")));
        assertEquals(0, CommandLines.run(new Aerie(), "verify-store", folder.resolve("one").toString()));
        assertFalse(RollingStore.at(folder.resolve("one").toString(), conf).exists());
    }

    @Test
    void aBudgetThatIsTooSmallIsRefusedWithWhatItTakes() {
        assertEquals(2, CommandLines.run(new TrainEagle3(), recipe("small", "store.rolling=true", "store.max_bytes=1000")));
        assertEquals(2, CommandLines.run(new TrainEagle3(), recipe("none", "store.rolling=true")));
    }
}
