package dev.aerie.prepare;

import dev.aerie.files.Sha256;
import java.io.Serializable;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Random;
import java.util.function.IntPredicate;

/**
 * Which conversation goes into which shard, and in what order: a function of the conversations, the budget and the seed.
 *
 * <p>Conversations are sorted by position and shuffled with {@link Random} on the seed, so that every shard is a sample of
 * the whole. Then, in that order, they fill shards: a conversation opens the next shard where it would take the current one
 * over the budget. Held-out conversations follow in shards of their own, few to a shard, because their continuations are
 * generated token by token and several tasks should share that.
 *
 * <p>16 bytes for each conversation and 8 for each shard.
 */
final class ShardPlan implements Serializable {

    static final int HELD_OUT_PER_SHARD = 16;

    private final long[] positions;
    private final int[] shards;
    private final int[] places;
    private final long[] tokens;

    private ShardPlan(long[] positions, int[] shards, int[] places, long[] tokens) {
        this.positions = positions;
        this.shards = shards;
        this.places = places;
        this.tokens = tokens;
    }

    /** @param shardTokens tokens a shard holds at most, unless a single conversation is longer */
    static ShardPlan of(ConversationSummaries conversations, long shardTokens, long seed) {
        int[] order = shuffled(conversations.size(), seed);
        Filling filling = new Filling(conversations);
        filling.fill(order, i -> !conversations.isHeldOut(i), shardTokens, Integer.MAX_VALUE);
        filling.fill(order, conversations::isHeldOut, shardTokens, HELD_OUT_PER_SHARD);
        long[] positions = new long[conversations.size()];
        Arrays.setAll(positions, conversations::position);
        return new ShardPlan(positions, filling.shards, filling.places, Arrays.copyOf(filling.tokens, filling.count));
    }

    /** Shuffles as {@link java.util.Collections#shuffle(java.util.List, Random)} does. */
    private static int[] shuffled(int size, long seed) {
        int[] order = new int[size];
        Arrays.setAll(order, i -> i);
        Random random = new Random(seed);
        for (int i = size; i > 1; i--) {
            int j = random.nextInt(i);
            int other = order[i - 1];
            order[i - 1] = order[j];
            order[j] = other;
        }
        return order;
    }

    private static final class Filling {

        private final ConversationSummaries conversations;
        private final int[] shards;
        private final int[] places;
        private long[] tokens = new long[64];
        private int count;

        Filling(ConversationSummaries conversations) {
            this.conversations = conversations;
            this.shards = new int[conversations.size()];
            this.places = new int[conversations.size()];
        }

        /** Begins a shard and fills it and the next with some of the conversations. */
        void fill(int[] order, IntPredicate some, long shardTokens, int most) {
            int inShard = 0;
            for (int i : order) {
                if (some.test(i)) {
                    if (inShard == 0 || tokens[count - 1] + conversations.tokens(i) > shardTokens || inShard == most) {
                        if (count == tokens.length) {
                            tokens = Arrays.copyOf(tokens, 2 * count);
                        }
                        count++;
                        inShard = 0;
                    }
                    shards[i] = count - 1;
                    places[i] = inShard++;
                    tokens[count - 1] += conversations.tokens(i);
                }
            }
        }
    }

    int shards() {
        return tokens.length;
    }

    /** Returns the tokens that each shard is expected to hold. */
    long[] tokens() {
        return tokens.clone();
    }

    int shardOf(long position) {
        return shards[index(position)];
    }

    /** Place in its shard, from 0. */
    int placeOf(long position) {
        return places[index(position)];
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
            sha.add(place.clear().putLong(positions[i]).putInt(shards[i]).putInt(places[i]).flip());
        }
        return sha.hex();
    }
}
