package dev.aerie.prepare;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.aerie.store.TeacherRows;
import dev.aerie.testing.LocalCluster;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Executors that die in the middle of a shard, on a cluster of two JVMs. */
class CaptureKillIT {

    private final long seed = new Random().nextLong();

    @TempDir
    Path folder;

    /** Ends the executor's JVM, as the kernel would, once for each of two shards. */
    record Deaths(String folder, int before, int after) implements ShardObserver {

        @Override
        public void beforeCommit(int shard) {
            if (shard == before) {
                die("before");
            }
        }

        @Override
        public void afterCommit(int shard) {
            if (shard == after) {
                die("after");
            }
        }

        private void die(String when) {
            try {
                Files.createFile(Path.of(folder, when));
                Runtime.getRuntime().halt(137);
            } catch (FileAlreadyExistsException once) {
                return;
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    @Test
    @Timeout(value = 600, unit = TimeUnit.SECONDS)
    void deathsBeforeAndAfterACommitLoseAndDoubleNothing() throws IOException {
        List<TokenizedRow> rows = Captures.random(50, 2, 320, seed);
        Path store = folder.resolve("store");
        Path deaths = Files.createDirectory(folder.resolve("deaths"));
        SparkSession cluster = LocalCluster.session();
        CaptureReport report = Captures.run(cluster,
                Captures.settings(Captures.target(), store, "bf16", TeacherRows.STRICT, 300, 100), rows,
                new Deaths(deaths.toString(), 1, 3));
        assertTrue(Files.exists(deaths.resolve("before")) && Files.exists(deaths.resolve("after")), "seed " + seed);
        assertEquals(List.of(), report.store().orphans());
        assertEquals(List.of(), Captures.problems(store));
        assertEquals(50, report.store().shards().stream().mapToInt(s -> s.conversations().size()).sum(), "seed " + seed);

        Path undisturbed = folder.resolve("undisturbed");
        Captures.run(cluster,
                Captures.settings(Captures.target(), undisturbed, "bf16", TeacherRows.STRICT, 300, 100), rows);
        assertEquals(Captures.digests(undisturbed), Captures.digests(store), "seed " + seed);
    }
}
