package dev.aerie.train;

import dev.aerie.store.CommittedShard;
import dev.aerie.store.RollingStore;
import dev.aerie.store.StoreShards;
import java.io.IOException;
import java.time.Duration;
import java.util.HashSet;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/**
 * A rank's view of the shards of a rolling store: which of those that a step needs are still to be made, and which are needed no
 * more.
 */
final class RollingWindow {

    /** Time between two looks at the file system for a shard that is missing. */
    static final Duration INTERVAL = Duration.ofMillis(300);

    private final StoreShards shards;
    private final RollingStore store;
    private final ShardedPlan plan;
    private final StoreSource source;
    private final RollingTraining training;
    /** Shards that were there and cannot be evicted before the training is past them. */
    private final Set<Integer> there = new HashSet<>();
    private long position = -1;

    RollingWindow(StoreShards shards, RollingStore store, ShardedPlan plan, StoreSource source, RollingTraining training) {
        this.shards = shards;
        this.store = store;
        this.plan = plan;
        this.source = source;
        this.training = training;
    }

    RollingTraining training() {
        return training;
    }

    /**
     * Notes that the ranks are past all shards before the first of some conversations, which they use next.
     *
     * @param announce whether this rank says so to the capture
     */
    void advance(int epoch, int firstConversation, boolean announce) throws IOException {
        long use = (long) epoch * plan.shardCount() + plan.ordinalOf(firstConversation);
        if (use != position) {
            position = use;
            there.clear();
            int current = plan.shardOf(firstConversation);
            // An open file that was deleted still takes its disk's space.
            source.release(shard -> shard < current);
            if (announce) {
                store.advance(training.training(), use);
            }
        }
    }

    /** Says that the training needs no shard any more. */
    void end(int epochs) throws IOException {
        source.release(shard -> true);
        store.advance(training.training(), (long) epochs * plan.shardCount());
    }

    /** Returns a shard that is still to be made of those that some conversations need. */
    OptionalInt missing(int[] conversations, boolean heldOut) throws IOException {
        Set<Integer> needed = new HashSet<>();
        for (int conversation : conversations) {
            needed.add(plan.shardOf(conversation));
        }
        if (heldOut) {
            for (int shard : plan.heldOutShards()) {
                needed.add(shard);
            }
        }
        for (int shard : needed) {
            if (!there.contains(shard)) {
                Optional<CommittedShard> committed = shards.find(shard);
                if (committed.isEmpty() || !shards.holds(committed.get())) {
                    return OptionalInt.of(shard);
                }
                there.add(shard);
            }
        }
        return OptionalInt.empty();
    }
}
