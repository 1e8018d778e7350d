package dev.aerie.evaluate;

import java.io.Serializable;

/**
 * The result of decoding one prompt.
 *
 * @param plainTokens new tokens without the draft
 * @param plainNanos their time, prefill included
 * @param bigram counts of a bigram table as the draft; null if there is none
 * @param divergence null if both texts are equal, or are sampled
 */
record PromptResult(
        int prompt,
        int plainTokens,
        long plainNanos,
        int tokens,
        long nanos,
        Acceptance acceptance,
        Acceptance bigram,
        Divergence divergence) implements Serializable {}
