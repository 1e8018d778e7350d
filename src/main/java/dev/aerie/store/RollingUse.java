package dev.aerie.store;

import java.util.List;

/**
 * The content of {@code _rolling/training.json}: the training for which the shards of a rolling store are made, and in which order
 * it uses them.
 *
 * @param formatVersion {@link StoreSettings#FORMAT_VERSION}
 * @param training URI of the training's output; null before a training has begun
 * @param shards the shards that an epoch uses, in order
 * @param heldOut the shards with held-out conversations, which stay
 * @param epochs how often the training uses the shards
 */
public record RollingUse(int formatVersion, String training, List<Integer> shards, List<Integer> heldOut, int epochs) {

    public RollingUse {
        shards = List.copyOf(StoreJson.present(shards, "shards"));
        heldOut = List.copyOf(StoreJson.present(heldOut, "held_out"));
        if (shards.isEmpty() || epochs < 1) {
            throw new IllegalArgumentException("Invalid use of a rolling store: " + shards.size() + " shards in " + epochs
                    + " epochs (expected at least one of each)");
        }
    }

    public static RollingUse of(String training, List<Integer> shards, List<Integer> heldOut, int epochs) {
        return new RollingUse(StoreSettings.FORMAT_VERSION, training, shards, heldOut, epochs);
    }

    /** Returns the number of uses of all epochs; use n is that of shard n modulo the shards of an epoch. */
    public long uses() {
        return (long) shards.size() * epochs;
    }
}
