package dev.aerie.train;

import dev.aerie.store.StorePlan;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The conversations to train on, in the order of the store's plan: their lengths and their shards. It is made in the driver and
 * sent to the ranks in place of ids and markers, of which 300,000 conversations have 100 MB.
 *
 * <p>It follows from the plan alone. Conversations that the target turned out to give no finite states for are in it too, so that
 * the steps of a training are the same whether the capture is finished or has not begun.
 */
public final class ShardedPlan implements Serializable {

    /** Tokens of each conversation. */
    private final int[] lengths;
    /** Its place among the shard's conversations of the part {@code train}. */
    private final int[] places;
    /** The number of each shard that has conversations to train on, ascending. */
    private final int[] shards;
    /** Where the conversations of each of these shards begin; the last is the number of conversations. */
    private final int[] starts;
    /** Shards with conversations of the part {@code held_out}. */
    private final int[] heldOut;

    private ShardedPlan(int[] lengths, int[] places, int[] shards, int[] starts, int[] heldOut) {
        this.lengths = lengths;
        this.places = places;
        this.shards = shards;
        this.starts = starts;
        this.heldOut = heldOut;
    }

    public static ShardedPlan of(StorePlan plan) {
        int[] lengths = new int[plan.shards().stream().mapToInt(s -> s.train().length).sum()];
        int[] places = new int[lengths.length];
        List<Integer> shards = new ArrayList<>();
        List<Integer> starts = new ArrayList<>();
        int all = 0;
        int used = 0;
        for (StorePlan.Shard shard : plan.shards()) {
            int start = used;
            for (int place = 0; place < shard.train().length; place++) {
                if (plan.trained() == null || plan.trained().get(all++)) {
                    lengths[used] = shard.train()[place];
                    places[used++] = place;
                }
            }
            if (used > start) {
                shards.add(shard.shard());
                starts.add(start);
            }
        }
        starts.add(used);
        return new ShardedPlan(Arrays.copyOf(lengths, used), Arrays.copyOf(places, used), ints(shards), ints(starts),
                plan.shards().stream().filter(StorePlan.Shard::heldOut).mapToInt(StorePlan.Shard::shard).toArray());
    }

    private static int[] ints(List<Integer> values) {
        return values.stream().mapToInt(Integer::intValue).toArray();
    }

    int[] lengths() {
        return lengths.clone();
    }

    int[] starts() {
        return starts.clone();
    }

    /** Returns the number of the shard of a conversation. */
    int shardOf(int index) {
        return shards[ordinalOf(index)];
    }

    /** Returns how many shards an epoch uses before that of a conversation. */
    int ordinalOf(int index) {
        int found = Arrays.binarySearch(starts, index);
        return found >= 0 ? found : -found - 2;
    }

    int placeOf(int index) {
        return places[index];
    }

    int tokensOf(int index) {
        return lengths[index];
    }

    /** Returns the shards that an epoch uses, in order. */
    int[] shards() {
        return shards.clone();
    }

    int shardCount() {
        return shards.length;
    }

    int[] heldOutShards() {
        return heldOut.clone();
    }
}
