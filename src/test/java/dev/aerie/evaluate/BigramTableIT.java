package dev.aerie.evaluate;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.aerie.testing.LocalSpark;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import org.apache.spark.SparkContext;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerTaskEnd;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.types.StructType;
import org.junit.jupiter.api.Test;

class BigramTableIT {

    private static final boolean[] ALL = {false, true, true, true, true, true};

    private static final StructType TOKENS = new StructType().add("part", "string").add("input_ids", "array<int>")
            .add("loss_mask", "array<boolean>");

    @Test
    void proposesTheMostFrequentSupervisedSuccessor() {
        BigramTable table = BigramTable.of(tokens(
                row("train", new int[] {0, 1, 2, 1, 3, 1}, ALL),
                row("train", new int[] {0, 1, 3, 1, 0, 1}, new boolean[] {false, false, true, true, false, true}),
                row("train", new int[] {5}, new boolean[] {true}),
                row("train", new int[0], new boolean[0]),
                row("held_out", new int[] {5, 4, 5, 4, 5, 4}, ALL)), 6);
        // 1 is followed by 2 once and by 3 twice; its successor 0 is not supervised. 4 and 5 never occur in a pair.
        assertArrayEquals(new int[] {1, 3, 1, 1, 1, 1}, table.next());
    }

    @Test
    void theSmallestIdOfEqualsWins() {
        BigramTable table = BigramTable.of(tokens(
                row("train", new int[] {0, 4, 0, 2, 0, 3}, ALL), row("train", new int[] {5, 3, 5, 2, 5, 4}, ALL)), 6);
        // After 0 and after 5 each of 2, 3 and 4 comes once; of all tokens 0, 2, 3, 4 and 5 come twice each.
        assertArrayEquals(new int[] {2, 0, 0, 5, 0, 2}, table.next());
    }

    @Test
    void agreesWithCountingInMemory() {
        long seed = 12;
        Random random = new Random(seed);
        int vocabSize = 30;
        long[][] pairs = new long[vocabSize][vocabSize];
        List<Row> rows = new ArrayList<>();
        for (int c = 0; c < 50; c++) {
            int[] ids = random.ints(40, 0, vocabSize - 3).toArray();
            boolean[] mask = new boolean[40];
            for (int t = 0; t < 40; t++) {
                mask[t] = random.nextBoolean();
                if (t > 0 && mask[t]) {
                    pairs[ids[t - 1]][ids[t]]++;
                }
            }
            rows.add(row("train", ids, mask));
        }
        int[] expected = new int[vocabSize];
        int frequent = mostFrequent(IntStream.range(0, vocabSize)
                .mapToLong(b -> Arrays.stream(pairs).mapToLong(p -> p[b]).sum()).toArray());
        for (int a = 0; a < vocabSize; a++) {
            expected[a] = Arrays.stream(pairs[a]).sum() == 0 ? frequent : mostFrequent(pairs[a]);
        }
        assertArrayEquals(expected, BigramTable.of(tokens(rows.toArray(Row[]::new)), vocabSize).next(), "seed " + seed);
    }

    @Test
    void aStoreWithNothingSupervisedProposesTheFirstToken() {
        assertArrayEquals(new int[3], BigramTable.of(tokens(row("train", new int[] {1, 2}, new boolean[2])), 3).next());
    }

    /** What tasks send to the driver depends on the vocabulary, not on how many tokens or different pairs there are. */
    @Test
    void theDriverTakesNoMoreThanARowForEachToken() throws Exception {
        int vocabSize = 200;
        Random random = new Random(7);
        boolean[] mask = new boolean[2000];
        Arrays.fill(mask, true);
        Row[] rows = IntStream.range(0, 100)
                .mapToObj(c -> row("train", random.ints(mask.length, 0, vocabSize).toArray(), mask)).toArray(Row[]::new);
        Dataset<Row> tokens = tokens(rows).cache();
        tokens.count();
        AtomicLong bytes = new AtomicLong();
        SparkListener listener = new SparkListener() {
            @Override
            public void onTaskEnd(SparkListenerTaskEnd task) {
                bytes.addAndGet(task.taskMetrics().resultSize());
            }
        };
        SparkContext context = LocalSpark.session().sparkContext();
        context.listenerBus().waitUntilEmpty();
        context.addSparkListener(listener);
        try {
            assertEquals(vocabSize, BigramTable.of(tokens, vocabSize).next().length);
            context.listenerBus().waitUntilEmpty();
        } finally {
            context.removeSparkListener(listener);
            tokens.unpersist();
        }
        // 200,000 tokens and nearly all 40,000 pairs; a row of the result is a few bytes, a task's own figures a few thousand.
        assertTrue(bytes.get() < 100_000, "tasks sent " + bytes + " bytes to the driver");
    }

    private static int mostFrequent(long[] counts) {
        int best = 0;
        for (int i = 1; i < counts.length; i++) {
            best = counts[i] > counts[best] ? i : best;
        }
        return best;
    }

    private static Dataset<Row> tokens(Row... rows) {
        return LocalSpark.session().createDataFrame(List.of(rows), TOKENS);
    }

    private static Row row(String part, int[] ids, boolean[] mask) {
        List<Boolean> supervised = new ArrayList<>();
        for (boolean one : mask) {
            supervised.add(one);
        }
        return RowFactory.create(part, Arrays.stream(ids).boxed().toList(), supervised);
    }
}
