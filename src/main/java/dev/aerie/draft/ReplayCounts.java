package dev.aerie.draft;

/**
 * Counts of what greedy chain decoding would have accepted; counts of parts add up to those of the whole.
 *
 * @param rounds verification passes of the target after the prefill token
 * @param emitted tokens that the passes emitted, the target's own included; a last round cut by the end counts what it emitted
 * @param hits index k: rounds with at least k+1 accepted tokens
 */
public record ReplayCounts(long rounds, long emitted, long[] hits) {

    public static ReplayCounts zero(int draftTokens) {
        return new ReplayCounts(0, 0, new long[draftTokens]);
    }

    public ReplayCounts plus(ReplayCounts other) {
        return new ReplayCounts(rounds + other.rounds, emitted + other.emitted, sum(hits, other.hits));
    }

    /** Returns emitted tokens per verification pass of the target, from 1 to draft tokens + 1; 0 without rounds. */
    public double acceptanceLength() {
        return rounds == 0 ? 0 : (double) emitted / rounds;
    }

    /** Returns the share of rounds with at least {@code depth} accepted tokens, depth from 1. */
    public double hitRate(int depth) {
        return rounds == 0 ? 0 : (double) hits[depth - 1] / rounds;
    }

    private static long[] sum(long[] a, long[] b) {
        long[] out = a.clone();
        for (int i = 0; i < out.length; i++) {
            out[i] += b[i];
        }
        return out;
    }
}
