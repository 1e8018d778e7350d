package dev.aerie.prepare;

import dev.aerie.files.Sha256;
import dev.aerie.store.Part;
import java.io.Serializable;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Random;

/**
 * Which conversation goes into which shard, and in what order: a function of the conversations, the budget and the seed.
 *
 * <p>Conversations are sorted by position and shuffled with {@link Random} on the seed, so that every shard is a sample of
 * the whole. Then, in that order, they fill shards: a conversation opens the next shard where it would take the current one
 * over the budget. Held-out conversations follow in shards of their own, few to a shard, because their continuations are
 * generated token by token and several tasks should share that.
 */
final class ShardPlan implements Serializable {

    static final int HELD_OUT_PER_SHARD = 16;

    private final long[] positions;
    private final int[] shards;
    private final int[] orders;
    private final long[] tokens;

    private ShardPlan(long[] positions, int[] shards, int[] orders, long[] tokens) {
        this.positions = positions;
        this.shards = shards;
        this.orders = orders;
        this.tokens = tokens;
    }

    /**
     * @param shardTokens tokens a shard holds at most, unless a single conversation is longer
     * @param maxNewTokens largest number of tokens in a continuation
     */
    static ShardPlan of(List<ConversationSummary> conversations, long shardTokens, int maxNewTokens, long seed) {
        List<ConversationSummary> order = new ArrayList<>(conversations);
        order.sort(Comparator.comparingLong(ConversationSummary::position));
        Collections.shuffle(order, new Random(seed));
        List<List<ConversationSummary>> shards = new ArrayList<>();
        shards.addAll(fill(order.stream().filter(c -> c.part() == Part.TRAIN).toList(), shardTokens, Integer.MAX_VALUE, 0));
        shards.addAll(fill(order.stream().filter(c -> c.part() == Part.HELD_OUT).toList(), shardTokens, HELD_OUT_PER_SHARD,
                maxNewTokens));
        return of(shards, conversations.size(), maxNewTokens);
    }

    private static List<List<ConversationSummary>> fill(
            List<ConversationSummary> order, long shardTokens, int most, int maxNewTokens) {
        List<List<ConversationSummary>> shards = new ArrayList<>();
        List<ConversationSummary> current = new ArrayList<>();
        long sum = 0;
        for (ConversationSummary c : order) {
            long tokens = expectedTokens(c, maxNewTokens);
            if (!current.isEmpty() && (sum + tokens > shardTokens || current.size() == most)) {
                shards.add(current);
                current = new ArrayList<>();
                sum = 0;
            }
            current.add(c);
            sum += tokens;
        }
        if (!current.isEmpty()) {
            shards.add(current);
        }
        return shards;
    }

    /** Returns the tokens of a conversation in the store; for a held-out one, the largest number. */
    static long expectedTokens(ConversationSummary c, int maxNewTokens) {
        return c.part() == Part.TRAIN ? c.tokens() : c.promptTokens() + maxNewTokens;
    }

    private static ShardPlan of(List<List<ConversationSummary>> byShard, int conversations, int maxNewTokens) {
        record Assignment(long position, int shard, int order) {}
        List<Assignment> assignments = new ArrayList<>(conversations);
        long[] tokens = new long[byShard.size()];
        for (int s = 0; s < byShard.size(); s++) {
            for (int i = 0; i < byShard.get(s).size(); i++) {
                ConversationSummary c = byShard.get(s).get(i);
                assignments.add(new Assignment(c.position(), s, i));
                tokens[s] += expectedTokens(c, maxNewTokens);
            }
        }
        assignments.sort(Comparator.comparingLong(Assignment::position));
        return new ShardPlan(
                assignments.stream().mapToLong(Assignment::position).toArray(),
                assignments.stream().mapToInt(Assignment::shard).toArray(),
                assignments.stream().mapToInt(Assignment::order).toArray(),
                tokens);
    }

    int shards() {
        return tokens.length;
    }

    /** Tokens a shard is expected to hold. */
    long tokens(int shard) {
        return tokens[shard];
    }

    int shardOf(long position) {
        return shards[index(position)];
    }

    /** Place in its shard, from 0. */
    int orderOf(long position) {
        return orders[index(position)];
    }

    private int index(long position) {
        int at = Arrays.binarySearch(positions, position);
        if (at < 0) {
            throw new IllegalArgumentException("Invalid position: " + position + " (expected one of the planned conversations)");
        }
        return at;
    }

    /** SHA-256 of the assignment of conversations to shards. */
    String fingerprint() {
        Sha256 sha = new Sha256();
        ByteBuffer place = ByteBuffer.allocate(Long.BYTES + 2 * Integer.BYTES);
        for (int i = 0; i < positions.length; i++) {
            sha.add(place.clear().putLong(positions[i]).putInt(shards[i]).putInt(orders[i]).flip());
        }
        return sha.hex();
    }
}
