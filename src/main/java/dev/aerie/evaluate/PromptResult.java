package dev.aerie.evaluate;

import java.io.Serializable;

/**
 * The result of decoding one prompt.
 *
 * @param plainTokens new tokens without the draft; plainNanos their time, prefill included; the others with the draft
 * @param bigram what a bigram table as draft would have counted; null without one
 * @param divergence null where both texts are the same, or are sampled
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
