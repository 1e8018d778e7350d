package dev.aerie.prepare;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.aerie.files.Folder;
import dev.aerie.store.ConversationEntry;
import dev.aerie.store.HiddenStateStore;
import dev.aerie.store.Part;
import dev.aerie.store.StoreLayout;
import dev.aerie.store.StoreTables;
import dev.aerie.store.TeacherRows;
import dev.aerie.testing.LocalSpark;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An append that is stopped before and after commits of its shards. */
class StoppedAppendIT {

    private static final int VOCABULARY = 96;

    private final SparkSession spark = LocalSpark.session();
    private final Configuration conf = new Configuration();
    private final long seed = new Random().nextLong();

    @TempDir
    Path folder;

    /** @param last number of the last shard of which the attempt is let through */
    private record Stop(boolean committed, int last) implements ShardObserver {

        @Override
        public void beforeCommit(int shard) {
            if (!committed && shard > last) {
                throw new IllegalStateException("stopped before the commit of shard " + shard);
            }
        }

        @Override
        public void afterCommit(int shard) {
            if (committed && shard > last) {
                throw new IllegalStateException("stopped after the commit of shard " + shard);
            }
        }
    }

    private Capture capture(Path store, ShardObserver observer) {
        return new Capture(spark, Captures.settings(Captures.target(), store, "bf16", TeacherRows.STRICT, 120, 100),
                new PrintStream(OutputStream.nullOutputStream()), observer);
    }

    private CaptureReport append(Path store, ShardObserver observer, List<TokenizedRow> rows) throws IOException {
        HiddenStateStore before = HiddenStateStore.open(store.toString(), conf);
        Dataset<Row> table = Captures.table(spark, rows);
        return capture(store, observer).append(before, table, (own, attempt, inputs, tokens) -> {
            String counts = own + "/vocabulary-" + attempt + ".json";
            TokenFrequencies.of(table, VOCABULARY).write(Folder.at(before.uri(), conf), counts, inputs, 32);
            return new StoreTables(List.of(StoreLayout.TOKENS, tokens), List.of(), counts, List.of());
        });
    }

    @Test
    void theEarlierGenerationStaysAndTheNextRunFinishes() throws IOException {
        List<TokenizedRow> all = Captures.random(60, 0, VOCABULARY, seed);
        List<TokenizedRow> old = all.subList(0, 40);
        List<TokenizedRow> added = all.subList(40, 60);
        Path whole = folder.resolve("whole");
        Captures.run(spark, Captures.settings(Captures.target(), whole, "bf16", TeacherRows.STRICT, 120, 100), old);
        List<String> expected = append(whole, ShardObserver.NONE, added).store().shards().stream().map(s -> s.sha256()).toList();

        for (boolean committed : new boolean[] {false, true}) {
            Path store = folder.resolve("stopped-" + committed);
            Captures.run(spark, Captures.settings(Captures.target(), store, "bf16", TeacherRows.STRICT, 120, 100), old);
            int first = HiddenStateStore.open(store.toString(), conf).shards().size();
            assertThrows(Exception.class, () -> append(store, new Stop(committed, first), added));
            HiddenStateStore seen = HiddenStateStore.open(store.toString(), conf);
            assertEquals(1, seen.generation());
            assertEquals(40, seen.conversations(Part.TRAIN).count());
            HiddenStateStore pending = HiddenStateStore.openPending(store.toString(), conf).orElseThrow();
            if (!committed) {
                assertTrue(!pending.missingShards().isEmpty(), "seed " + seed);
            }
            HiddenStateStore finished = capture(store, ShardObserver.NONE).finish(pending).store();
            assertEquals(2, finished.generation());
            assertEquals(expected, finished.shards().stream().map(s -> s.sha256()).toList(), "seed " + seed);
            assertEquals(IntStream.range(0, 60).mapToObj(i -> "c" + i).sorted().toList(),
                    finished.conversations(Part.TRAIN).map(ConversationEntry::id).sorted().toList());
            assertEquals(List.of(), Captures.problems(store));
            assertEquals(List.of(), finished.orphans());
        }
    }
}
