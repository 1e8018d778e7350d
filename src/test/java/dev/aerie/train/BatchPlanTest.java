package dev.aerie.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.aerie.errors.RefusalException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class BatchPlanTest {

    private static final long SEED = 5;
    private final int[] lengths = new Random(SEED).ints(103, 5, 400).toArray();

    @Test
    void everyEpochUsesEveryConversationOnceInAnOrderOfItsOwn() {
        BatchPlan plan = plan(lengths, new BatchSize.Conversations(8), 3, 2, 0);
        assertEquals(2 * 13, plan.totalSteps());
        List<Integer> first = used(plan, 0, 13);
        List<Integer> second = used(plan, 13, 26);
        assertEquals(IntStream.range(0, 103).boxed().toList(), first.stream().sorted().toList());
        assertEquals(IntStream.range(0, 103).boxed().toList(), second.stream().sorted().toList());
        assertFalse(first.equals(second));
        assertEquals(7, plan.conversations(12).length);
        assertEquals(1, plan.epoch(13));
        assertEquals(4, plan.stepInEpoch(17));
        assertEquals(first, used(plan(lengths, new BatchSize.Conversations(8), 3, 1, 0), 0, 13));
        assertFalse(first.equals(used(plan(lengths, new BatchSize.Conversations(8), 4, 1, 0), 0, 13)));
    }

    private static List<Integer> used(BatchPlan plan, long from, long to) {
        List<Integer> out = new ArrayList<>();
        for (long s = from; s < to; s++) {
            Arrays.stream(plan.conversations(s)).forEach(out::add);
        }
        return out;
    }

    @Test
    void tokensBoundAStepUnlessOneConversationIsLonger() {
        BatchPlan plan = plan(lengths, new BatchSize.Tokens(350), 3, 1, 0);
        int longer = 0;
        for (long s = 0; s < plan.totalSteps(); s++) {
            int[] step = plan.conversations(s);
            int tokens = tokens(step);
            assertTrue(tokens <= 350 || step.length == 1, "step " + s + " has " + tokens);
            longer += tokens > 350 ? 1 : 0;
        }
        assertTrue(longer > 0, "no conversation longer than a step with seed " + SEED);
        assertEquals(103, used(plan, 0, plan.totalSteps()).size());
    }

    private int tokens(int[] conversations) {
        return Arrays.stream(conversations).map(c -> lengths[c]).sum();
    }

    @Test
    void ranksShareAStepWholeConversationsAndAboutEqualTokens() {
        BatchPlan plan = plan(lengths, new BatchSize.Conversations(16), 3, 1, 0);
        for (int ranks = 1; ranks <= 5; ranks++) {
            for (long s = 0; s < plan.totalSteps(); s++) {
                List<Integer> all = new ArrayList<>();
                int most = 0;
                int least = Integer.MAX_VALUE;
                for (int r = 0; r < ranks; r++) {
                    int[] mine = plan.ofRank(s, r, ranks);
                    Arrays.stream(mine).forEach(all::add);
                    most = Math.max(most, tokens(mine));
                    least = Math.min(least, tokens(mine));
                }
                assertArrayEquals(Arrays.stream(plan.conversations(s)).sorted().toArray(),
                        all.stream().mapToInt(i -> i).sorted().toArray());
                // Longest first to the least loaded: the gap is at most the longest conversation.
                assertTrue(most - least <= 400, ranks + " ranks: " + least + " to " + most + " tokens");
            }
        }
    }

    @Test
    void aRankMayHaveNothingToDo() {
        BatchPlan plan = plan(new int[] {5, 7}, new BatchSize.Conversations(2), 0, 1, 0);
        assertEquals(0, plan.ofRank(0, 2, 3).length);
        assertEquals(List.of(), BatchPlan.microBatches(new int[] {5, 7}, new int[0], 100));
    }

    @Test
    void microBatchesKeepOrderAndBound() {
        List<int[]> micro = BatchPlan.microBatches(new int[] {50, 60, 300, 10, 10}, new int[] {0, 1, 2, 3, 4}, 110);
        assertEquals(3, micro.size());
        assertArrayEquals(new int[] {0, 1}, micro.get(0));
        assertArrayEquals(new int[] {2}, micro.get(1));
        assertArrayEquals(new int[] {3, 4}, micro.get(2));
    }

    @Test
    void endsEarlyWhenAsked() {
        BatchPlan plan = plan(lengths, new BatchSize.Conversations(8), 3, 2, 5);
        assertEquals(5, plan.totalSteps());
        assertEquals(26, plan.scheduledSteps());
        assertEquals("Invalid store: no conversation to train on (expected at least one)",
                assertThrows(RefusalException.class,
                        () -> plan(new int[0], new BatchSize.Conversations(8), 3, 2, 5)).getMessage());
    }

    /** Training begins with the first shards while others are still made, and a batch may have conversations of two shards. */
    @Test
    void anEpochTakesTheShardsInOrderAndShufflesWithinThem() {
        int[] starts = {0, 40, 41, 90, 103};
        BatchPlan plan = new BatchPlan(lengths, starts,
                new TrainSettings.Batches(new BatchSize.Conversations(8), 1, 2, 0, SEED));
        List<Integer> first = used(plan, 0, 13);
        List<Integer> second = used(plan, 13, 26);
        for (int s = 0; s + 1 < starts.length; s++) {
            List<Integer> shard = IntStream.range(starts[s], starts[s + 1]).boxed().toList();
            for (List<Integer> epoch : List.of(first, second)) {
                List<Integer> there = epoch.subList(starts[s], starts[s + 1]);
                assertEquals(shard, there.stream().sorted().toList(), "shard " + s);
                assertTrue(shard.size() == 1 || !shard.equals(there), "shard " + s + " is not shuffled");
            }
            assertTrue(shard.size() == 1
                    || !first.subList(starts[s], starts[s + 1]).equals(second.subList(starts[s], starts[s + 1])));
        }
    }

    private static BatchPlan plan(int[] lengths, BatchSize size, long seed, int epochs, long maxSteps) {
        return new BatchPlan(lengths, new int[] {0, lengths.length}, new TrainSettings.Batches(size, 1, epochs, maxSteps, seed));
    }
}
