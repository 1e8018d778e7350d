package dev.aerie.prepare;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.aerie.store.RollingUse;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class RollingQueueTest {

    private static final long SEED = 11;

    private static RollingUse use(int shards, List<Integer> heldOut, int epochs) {
        return RollingUse.of("file:/training", IntStream.range(0, shards).boxed().toList(), heldOut, epochs);
    }

    private static RollingQueue.Turn turn(List<Integer> evict, List<Integer> make) {
        return new RollingQueue.Turn(evict, make);
    }

    @Test
    void runsAheadInThePlansOrderUntilTheBudgetIsFull() {
        RollingQueue queue = new RollingQueue(use(6, List.of(6), 1), shard -> 10, 40);
        assertEquals(turn(List.of(), List.of(6, 0)), queue.next(0, Map.of(), 0, 2));
        assertEquals(turn(List.of(), List.of(1, 2)), queue.next(0, Map.of(6, 10L, 0, 10L), 0, 2));
        assertTrue(queue.next(0, Map.of(6, 10L, 0, 10L, 1, 10L, 2, 10L), 0, 2).isEmpty());
    }

    @Test
    void whatIsUsedMakesRoomAndHeldOutShardsStay() {
        RollingQueue queue = new RollingQueue(use(6, List.of(6), 1), shard -> 10, 40);
        Map<Integer, Long> present = Map.of(6, 10L, 0, 10L, 1, 10L, 2, 10L);
        assertEquals(turn(List.of(0), List.of(3)), queue.next(1, present, 0, 2));
        // Both are used and neither is needed again; the bytes of other files count.
        assertEquals(turn(List.of(1, 0), List.of(3)), queue.next(2, present, 10, 2));
        assertEquals(turn(List.of(), List.of()), queue.next(6, present, 0, 2));
    }

    @Test
    void theNextEpochNeedsShardsAgainAndKeepsThoseItNeedsFirst() {
        RollingQueue queue = new RollingQueue(use(6, List.of(), 2), shard -> 10, 30);
        // At the last shard of an epoch: what is there of the beginning is kept, and the rest of it made.
        assertEquals(turn(List.of(3), List.of(1)), queue.next(5, Map.of(5, 10L, 3, 10L, 0, 10L), 0, 2));
        assertEquals(turn(List.of(), List.of()), queue.next(5, Map.of(5, 10L, 1, 10L, 0, 10L), 0, 2));
        assertEquals(turn(List.of(5), List.of(2)), queue.next(6, Map.of(5, 10L, 1, 10L, 0, 10L), 0, 2));
    }

    /** A training that resumes from a checkpoint goes back. */
    @Test
    void goesBackWithTheTraining() {
        RollingQueue queue = new RollingQueue(use(6, List.of(), 1), shard -> 10, 30);
        assertEquals(turn(List.of(4), List.of(1)), queue.next(1, Map.of(2, 10L, 3, 10L, 4, 10L), 0, 3));
    }

    @Test
    void shardsThatATrainingLeavesOutGoFirst() {
        RollingQueue queue = new RollingQueue(RollingUse.of("file:/training", List.of(0, 2, 4), List.of(), 2), s -> 10, 30);
        assertEquals(turn(List.of(3, 1), List.of(2, 4)), queue.next(0, Map.of(0, 10L, 1, 10L, 3, 10L), 0, 3));
    }

    /** Whatever the sizes, the budget holds but for estimates, and the training never waits for a shard that is not made. */
    @Test
    void everyTrainingEndsWithinItsBudget() {
        Random random = new Random(SEED);
        for (int round = 0; round < 200; round++) {
            int shards = 1 + random.nextInt(12);
            int epochs = 1 + random.nextInt(3);
            long[] bytes = random.longs(shards, 5, 11).toArray();
            long budget = 20 + random.nextInt(60);
            RollingQueue queue = new RollingQueue(use(shards, List.of(), epochs), shard -> 10, budget);
            Map<Integer, Long> present = new TreeMap<>();
            int made = 0;
            for (long position = 0; position < (long) shards * epochs; position++) {
                List<RollingQueue.Turn> turns = new ArrayList<>();
                for (RollingQueue.Turn turn = queue.next(position, present, 0, 2); !turn.isEmpty();
                        turn = queue.next(position, present, 0, 2)) {
                    turns.add(turn);
                    turn.evict().forEach(present::remove);
                    turn.make().forEach(shard -> present.put(shard, bytes[shard]));
                    made += turn.make().size();
                    long now = present.values().stream().mapToLong(Long::longValue).sum();
                    assertTrue(now <= budget, "seed " + SEED + ", round " + round + ": " + now + " of " + budget);
                    assertTrue(turns.size() <= 2 * shards, "seed " + SEED + ", round " + round + ": no end");
                }
                assertTrue(present.containsKey((int) (position % shards)), "seed " + SEED + ", round " + round);
            }
            assertTrue(made <= shards * epochs, "seed " + SEED + ", round " + round + ": made " + made);
        }
    }
}
