package dev.aerie.store;

/**
 * The size of a store according to its plan.
 *
 * @param shards number of shards, numbered from 0
 * @param conversations number of conversations, including held-out ones
 * @param heldOut number of held-out conversations
 * @param tokens tokens of the training part; the length of held-out continuations is not known in advance
 */
public record PlannedCounts(int shards, long conversations, long heldOut, long tokens) {

    /** Enough for a petabyte in shards of 100 MB. */
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
