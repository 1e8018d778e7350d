package dev.aerie.draft;

/**
 * What greedy chain decoding would have accepted; counts of parts add up to those of the whole.
 *
 * @param rounds verification passes of the target after the prefill token
 * @param emitted tokens that they gave, the target's own included; a last round cut by the end counts what it emitted
 * @param hits at k: rounds with at least k+1 drafted tokens accepted
 */
public record ReplayCounts(long rounds, long emitted, long[] hits) {

    public static ReplayCounts zero(int draftTokens) {
        return new ReplayCounts(0, 0, new long[draftTokens]);
    }

    public ReplayCounts plus(ReplayCounts other) {
        return new ReplayCounts(rounds + other.rounds, emitted + other.emitted, sum(hits, other.hits));
    }

    /** Tokens for each verification pass of the target, from 1 to draft tokens + 1; 0 without a round. */
    public double acceptanceLength() {
        return rounds == 0 ? 0 : (double) emitted / rounds;
    }

    /** Share of the rounds with at least {@code depth} accepted tokens, depth from 1. */
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
