package dev.aerie.prepare;

import dev.aerie.store.StoreSettings;
import java.util.Arrays;
import java.util.Locale;

/**
 * The expected content of a store, known before the target is loaded.
 *
 * @param settings content of store.json
 * @param shardTokens tokens expected in each shard, continuations of held-out prompts at their longest
 * @param teacherRows states after the final norm expected
 */
record CapturePlan(StoreSettings settings, long[] shardTokens, long teacherRows) {

    int shards() {
        return shardTokens.length;
    }

    long tokens() {
        return Arrays.stream(shardTokens).sum();
    }

    /** Returns the tokens expected in some of the shards. */
    long tokens(int[] shards) {
        return Arrays.stream(shards).mapToLong(shard -> shardTokens[shard]).sum();
    }

    /** Returns the expected bytes of the shards, rather too many than too few. */
    long bytes() {
        return settings.states().expectedBytes(tokens(), teacherRows);
    }

    /** Returns the bytes of so many tokens of this plan. */
    long bytesOf(long some) {
        long tokens = tokens();
        return tokens == 0 ? 0 : (long) (bytes() * ((double) some / tokens));
    }

    /** One line for a person. */
    @Override
    public String toString() {
        return String.format(Locale.ROOT,
                "%,d conversations (%,d held out), %,d tokens in %,d shards, about %.2f GB "
                        + "(%s, layers %s, teacher states for %.1f %% of the tokens)",
                settings.planned().conversations(), settings.planned().heldOut(), tokens(), shards(), bytes() / 1e9,
                settings.states().codec().name(), settings.states().captureLayers(), 100.0 * teacherRows / Math.max(1, tokens()));
    }
}
