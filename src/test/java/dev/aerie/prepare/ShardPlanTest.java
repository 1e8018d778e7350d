package dev.aerie.prepare;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.aerie.store.Part;
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
        return new ConversationSummary(position, "c" + position, part, tokens, 4, tokens / 2, new byte[32]);
    }

    private List<ConversationSummary> conversations(int train, int heldOut) {
        Random random = new Random(seed);
        List<ConversationSummary> out = new ArrayList<>();
        for (int i = 0; i < train + heldOut; i++) {
            out.add(conversation(i * 3L, i < train ? Part.TRAIN : Part.HELD_OUT, 1 + random.nextInt(300)));
        }
        return out;
    }

    @Test
    void everyConversationHasOnePlaceWithinTheBudget() {
        List<ConversationSummary> all = conversations(500, 40);
        ShardPlan plan = ShardPlan.of(all, 1000, 20, seed);
        long[] tokens = new long[plan.shards()];
        Set<Long> places = new HashSet<>();
        Set<Integer> heldOut = new HashSet<>();
        for (ConversationSummary c : all) {
            int shard = plan.shardOf(c.position());
            tokens[shard] += ShardPlan.expectedTokens(c, 20);
            assertTrue(places.add((long) shard << 32 | plan.orderOf(c.position())), "seed " + seed);
            if (c.part() == Part.HELD_OUT) {
                heldOut.add(shard);
            }
        }
        for (int s = 0; s < tokens.length; s++) {
            assertEquals(tokens[s], plan.tokens(s));
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
        String plan = ShardPlan.of(all, 1000, 20, 1).fingerprint();
        List<ConversationSummary> shuffled = new ArrayList<>(all);
        Collections.shuffle(shuffled, new Random(seed));
        assertEquals(plan, ShardPlan.of(shuffled, 1000, 20, 1).fingerprint());
        assertNotEquals(plan, ShardPlan.of(all, 1000, 20, 2).fingerprint());
        assertNotEquals(plan, ShardPlan.of(all, 2000, 20, 1).fingerprint());
        assertNotEquals(plan, ShardPlan.of(all.subList(0, 199), 1000, 20, 1).fingerprint());
    }

    @Test
    void aConversationOverTheBudgetHasAShardOfItsOwn() {
        ShardPlan plan = ShardPlan.of(
                List.of(conversation(0, Part.TRAIN, 10), conversation(1, Part.TRAIN, 5000), conversation(2, Part.TRAIN, 10)),
                100, 1, 5);
        assertEquals(5000, plan.tokens(plan.shardOf(1)));
        assertEquals(0, ShardPlan.of(List.of(), 100, 1, 5).shards());
    }
}
