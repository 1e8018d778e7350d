package dev.aerie.store;

import java.util.BitSet;
import java.util.List;
import java.util.Set;

/**
 * The plan of a store as a training needs it.
 *
 * @param shards in order
 * @param trained bits of the conversations to train on, in the plan's order; null for all of the part {@code train}
 */
public record StorePlan(List<Shard> shards, BitSet trained) {

    /**
     * A shard of the plan.
     *
     * @param train tokens of its conversations of the part {@code train}, in order
     * @param heldOut whether it has held-out ones
     */
    public record Shard(int shard, int[] train, boolean heldOut) {}

    public StorePlan {
        shards = List.copyOf(shards);
    }

    /** @param ids of the conversations to train on; null for all of the part {@code train} */
    public static StorePlan of(HiddenStateStore store, Set<String> ids) {
        return new StorePlan(store.shards().stream().map(StorePlan::shard).toList(), ids == null ? null : trained(store, ids));
    }

    private static Shard shard(CommittedShard committed) {
        return new Shard(committed.shard(), committed.planned(Part.TRAIN).stream().mapToInt(PlannedConversation::tokens).toArray(),
                !committed.planned(Part.HELD_OUT).isEmpty());
    }

    private static BitSet trained(HiddenStateStore store, Set<String> ids) {
        BitSet trained = new BitSet();
        int place = 0;
        for (CommittedShard shard : store.shards()) {
            for (PlannedConversation planned : shard.planned(Part.TRAIN)) {
                trained.set(place++, ids.contains(planned.id()));
            }
        }
        return trained;
    }
}
