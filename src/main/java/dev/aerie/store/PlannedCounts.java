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

    public PlannedCounts {
        if (shards < 0 || heldOut < 0 || conversations < heldOut || tokens < 0) {
            throw new IllegalArgumentException("Invalid counts: " + shards + " shards, " + conversations + " conversations, "
                    + heldOut
                    + " held out, " + tokens + " tokens (expected none negative, held-out ones among the conversations)");
        }
    }
}
