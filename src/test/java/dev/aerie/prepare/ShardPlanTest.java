package dev.aerie.prepare;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.aerie.store.Part;
import dev.aerie.store.TeacherRows;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

class ShardPlanTest {

    private final long seed = new Random().nextLong();

    private static ConversationSummary conversation(long position, Part part, int tokens) {
        return new ConversationSummary(position, position, part, tokens, 4, tokens / 2, new byte[32]);
    }

    private List<ConversationSummary> conversations(int train, int heldOut) {
        Random random = new Random(seed);
        List<ConversationSummary> out = new ArrayList<>();
        for (int i = 0; i < train + heldOut; i++) {
            out.add(conversation(i * 3L, i < train ? Part.TRAIN : Part.HELD_OUT, 1 + random.nextInt(300)));
        }
        return out;
    }

    private static ShardPlan plan(List<ConversationSummary> all, long shardTokens, long seed) {
        return ShardPlan.of(planned(all), shardTokens, seed);
    }

    private static ConversationSummaries planned(List<ConversationSummary> all) {
        ConversationSummaries planned = new ConversationSummaries(TeacherRows.STRICT, 20);
        all.forEach(planned::add);
        return planned;
    }

    /** Arrays of numbers in the driver give the plan that lists of conversations give. */
    @Test
    void isTheShuffledListInPieces() {
        List<ConversationSummary> all = conversations(3000, 60);
        ShardPlan plan = plan(all, 2000, seed);
        List<ConversationSummary> order = new ArrayList<>(all);
        Collections.shuffle(order, new Random(seed));
        int shard = -1;
        int place = 0;
        long tokens = 0;
        for (Part part : Part.values()) {
            boolean begins = true;
            for (ConversationSummary c : order.stream().filter(c -> c.part() == part).toList()) {
                int expected = part == Part.TRAIN ? c.tokens() : 24;
                if (begins || tokens + expected > 2000 || part == Part.HELD_OUT && place == 16) {
                    shard++;
                    place = 0;
                    tokens = 0;
                }
                begins = false;
                tokens += expected;
                assertEquals(shard, plan.shardOf(c.position()), "seed " + seed);
                assertEquals(place++, plan.placeOf(c.position()), "seed " + seed);
            }
        }
        assertEquals(shard + 1, plan.shards());
    }

    @Test
    void conversationsAreAddedInOrderAndOnce() {
        ConversationSummary first = conversation(5, Part.TRAIN, 7);
        for (ConversationSummary bad : List.of(first, conversation(4, Part.TRAIN, 7), conversation(6, Part.TRAIN, 0))) {
            ConversationSummaries planned = planned(List.of(first));
            assertThrows(IllegalArgumentException.class, () -> planned.add(bad));
        }
        assertFalse(planned(conversations(2000, 3)).mayHaveEqualNames());
        assertTrue(planned(List.of(first, new ConversationSummary(6, 5, Part.TRAIN, 1, 0, 0, new byte[32])))
                .mayHaveEqualNames());
    }

    @Test
    void everyConversationHasOnePlaceWithinTheBudget() {
        List<ConversationSummary> all = conversations(500, 40);
        ShardPlan plan = plan(all, 1000, seed);
        long[] tokens = new long[plan.shards()];
        Set<Long> places = new HashSet<>();
        Set<Integer> heldOut = new HashSet<>();
        for (ConversationSummary c : all) {
            int shard = plan.shardOf(c.position());
            tokens[shard] += c.expectedTokens(20);
            assertTrue(places.add((long) shard << 32 | plan.placeOf(c.position())), "seed " + seed);
            if (c.part() == Part.HELD_OUT) {
                heldOut.add(shard);
            }
        }
        for (int s = 0; s < tokens.length; s++) {
            assertEquals(tokens[s], plan.tokens()[s]);
            assertTrue(tokens[s] <= 1000, "seed " + seed);
        }
        // Greedy filling leaves no two neighbours that fit into one.
        for (int s = 0; s + 1 < tokens.length - heldOut.size(); s++) {
            assertTrue(tokens[s] + tokens[s + 1] > 1000, "seed " + seed);
        }
        assertEquals(3, heldOut.size());
        assertThrows(IllegalArgumentException.class, () -> plan.shardOf(1));
    }

    @Test
    void followsFromConversationsAndSeedAlone() {
        List<ConversationSummary> all = conversations(200, 5);
        String plan = plan(all, 1000, 1).fingerprint();
        assertNotEquals(plan, plan(all, 1000, 2).fingerprint());
        assertNotEquals(plan, plan(all, 2000, 1).fingerprint());
        assertNotEquals(plan, plan(all.subList(0, 199), 1000, 1).fingerprint());
    }

    @Test
    void aConversationOverTheBudgetHasAShardOfItsOwn() {
        ShardPlan plan = plan(
                List.of(conversation(0, Part.TRAIN, 10), conversation(1, Part.TRAIN, 5000), conversation(2, Part.TRAIN, 10)),
                100, 5);
        assertEquals(5000, plan.tokens()[plan.shardOf(1)]);
        assertEquals(0, plan(List.of(), 100, 5).shards());
    }
}
