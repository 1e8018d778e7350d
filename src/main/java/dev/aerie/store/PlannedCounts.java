package dev.aerie.store;

/**
 * How much the plan puts into a store.
 *
 * @param shards shards in all, numbered from 0
 * @param conversations conversations in all, held-out ones included
 * @param heldOut held-out conversations
 * @param tokens tokens of the training part; what the target continues held-out prompts with is known only afterwards
 */
public record PlannedCounts(int shards, long conversations, long heldOut, long tokens) {

    /** A petabyte of shards of 100 MB. */
    private static final int MOST_SHARDS = 10_000_000;

    public PlannedCounts {
        if (shards > MOST_SHARDS) {
            throw new IllegalArgumentException("Invalid shards: " + shards + " (expected at most " + MOST_SHARDS + ")");
        }
        if (shards < 0 || heldOut < 0 || conversations < heldOut || tokens < 0) {
            throw new IllegalArgumentException("Invalid counts: " + shards + " shards, " + conversations + " conversations, "
                    + heldOut
                    + " held out, " + tokens + " tokens (expected none negative, held-out ones among the conversations)");
        }
    }
}
