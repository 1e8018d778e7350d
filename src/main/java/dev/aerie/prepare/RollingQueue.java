package dev.aerie.prepare;

import dev.aerie.store.RollingUse;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntToLongFunction;

/**
 * Decides which shards of a rolling store are made next and which are evicted for them: the shards that the training needs first,
 * in place of those that it needs last (Belady, 1966: no other choice makes fewer shards again).
 */
final class RollingQueue {

    /**
     * The next thing to do.
     *
     * @param evict to be deleted first
     * @param make at the same time
     */
    record Turn(List<Integer> evict, List<Integer> make) {

        boolean isEmpty() {
            return make.isEmpty();
        }
    }

    private static final long NEVER = Long.MAX_VALUE;

    private final RollingUse use;
    private final IntToLongFunction expectedBytes;
    private final long budget;
    /** Place of each shard in an epoch. */
    private final Map<Integer, Integer> places = new HashMap<>();

    /**
     * @param expectedBytes of a shard, rather too many than too few
     * @param budget bytes that all files may take
     */
    RollingQueue(RollingUse use, IntToLongFunction expectedBytes, long budget) {
        this.use = use;
        this.expectedBytes = expectedBytes;
        this.budget = budget;
        for (int i = 0; i < use.shards().size(); i++) {
            places.put(use.shards().get(i), i);
        }
    }

    /** Returns how many uses lie between a position of the training and the next use of a shard. */
    private long distance(int shard, long position) {
        if (use.heldOut().contains(shard)) {
            return -1;
        }
        Integer place = places.get(shard);
        if (place == null) {
            return NEVER;
        }
        int shards = use.shards().size();
        long next = position / shards * shards + place;
        if (next < position) {
            next += shards;
        }
        return next < use.uses() ? next - position : NEVER;
    }

    /**
     * @param position first use that is still needed
     * @param present bytes of the shards that are there
     * @param other bytes that other files take
     * @param most shards that are made at the same time
     */
    Turn next(long position, Map<Integer, Long> present, long other, int most) {
        Map<Integer, Long> kept = new HashMap<>(present);
        long bytes = other + present.values().stream().mapToLong(Long::longValue).sum();
        List<Integer> evict = new ArrayList<>();
        List<Integer> make = new ArrayList<>();
        for (int shard : needed(position)) {
            if (make.size() == most) {
                break;
            }
            if (present.containsKey(shard)) {
                continue;
            }
            long more = expectedBytes.applyAsLong(shard);
            List<Integer> victims = new ArrayList<>();
            long freed = 0;
            while (bytes - freed + more > budget) {
                int victim = farthest(kept, position, distance(shard, position));
                if (victim < 0) {
                    break;
                }
                victims.add(victim);
                freed += kept.remove(victim);
            }
            if (bytes - freed + more > budget) {
                // Not evicted in vain. Nothing that is needed later is made before this one.
                break;
            }
            evict.addAll(victims);
            bytes += more - freed;
            make.add(shard);
        }
        return new Turn(evict, make);
    }

    /** Returns the shards of the next uses, each once, those that stay first. */
    private List<Integer> needed(long position) {
        List<Integer> out = new ArrayList<>(use.heldOut());
        long end = Math.min(use.uses(), position + use.shards().size());
        for (long next = position; next < end; next++) {
            out.add(use.shards().get((int) (next % use.shards().size())));
        }
        return out;
    }

    /** @return -1 if every shard is needed as soon as the given distance */
    private int farthest(Map<Integer, Long> kept, long position, long nearer) {
        int found = -1;
        long most = nearer;
        for (int shard : kept.keySet()) {
            long distance = distance(shard, position);
            if (distance > most || distance == most && found >= 0 && shard > found) {
                found = shard;
                most = distance;
            }
        }
        return found;
    }
}
