package dev.aerie.target.spec;

import dev.aerie.target.layer.KvCache;
import dev.aerie.torch.GatedDeltaRule;
import java.util.Objects;
import java.util.stream.Stream;

/** How the tokens of a layer see each other. */
public sealed interface AttentionSpec {

    /** Every tensor that the layer needs for it. */
    Stream<WeightSpec> weights();

    /** What a {@link KvCache} holds for each token; null where it holds one state for all of them. */
    CachedRow cachedRow();

    /** Keys [kv heads, keyDim] and values [kv heads, valueDim]. */
    record CachedRow(int kvHeads, int keyDim, int valueDim) {}

    /**
     * Grouped-query attention (Ainslie et al., 2023), causal.
     *
     * @param rotation of queries and keys, null where the layer knows no positions (NoPE)
     * @param norms of the heads of queries and keys, null without
     * @param temperature of the queries, null without
     * @param gated query gives two rows for each head, [heads, 2, headDim]: the query and a gate, and what is attended to is
     *     multiplied by sigmoid(gate) before {@code output} (Qwen3-Next)
     */
    record GroupedQuery(
            int heads,
            int kvHeads,
            int headDim,
            Scores scores,
            RotaryEmbedding rotation,
            HeadNorms norms,
            Temperature temperature,
            boolean gated,
            LinearSpec query,
            LinearSpec key,
            LinearSpec value,
            LinearSpec output) implements AttentionSpec {

        public GroupedQuery with(Scores changed) {
            return new GroupedQuery(heads, kvHeads, headDim, changed, rotation, norms, temperature, gated, query, key, value, output);
        }

        public GroupedQuery with(RotaryEmbedding changed) {
            return new GroupedQuery(heads, kvHeads, headDim, scores, changed, norms, temperature, gated, query, key, value, output);
        }

        public GroupedQuery with(HeadNorms changed) {
            return new GroupedQuery(heads, kvHeads, headDim, scores, rotation, changed, temperature, gated, query, key, value,
                    output);
        }

        public GroupedQuery with(Temperature changed) {
            return new GroupedQuery(heads, kvHeads, headDim, scores, rotation, norms, changed, gated, query, key, value, output);
        }

        @Override
        public Stream<WeightSpec> weights() {
            Stream<WeightSpec> small = Stream.of(
                    norms == null ? null : norms.query().weight(), norms == null ? null : norms.key().weight(), scores.sinks());
            return Stream.concat(
                    Stream.of(query, key, value, output).flatMap(LinearSpec::weights), small.filter(Objects::nonNull));
        }

        @Override
        public CachedRow cachedRow() {
            return new CachedRow(kvHeads, headDim, headDim);
        }
    }

    /**
     * Multi-head latent attention (DeepSeek-V2, arXiv 2405.04434, section 2.1), causal: keys and values of all heads are made of
     * one short vector for each token. A head of queries and keys is [plainDim + rotation.dim], of which the latter part knows
     * positions and is one for all heads of the keys; a head of values is [valueDim].
     *
     * @param rotation of the latter part alone
     * @param queryDown to the latent vector of the queries, null where they are made of the hidden state itself
     * @param queryNorm of that vector, null without it
     * @param keyValueDown to the latent vector of keys and values, and after it the rotated part of the keys
     * @param keyValue for each head its key's plain part, and after it its value
     */
    record Latent(
            int heads,
            int plainDim,
            int valueDim,
            double scale,
            RotaryEmbedding rotation,
            LinearSpec queryDown,
            NormSpec queryNorm,
            LinearSpec query,
            LinearSpec keyValueDown,
            NormSpec keyValueNorm,
            LinearSpec keyValue,
            LinearSpec output) implements AttentionSpec {

        @Override
        public Stream<WeightSpec> weights() {
            Stream<WeightSpec> norms = Stream.of(queryNorm, keyValueNorm).filter(Objects::nonNull).map(NormSpec::weight);
            return Stream.concat(norms, Stream.of(queryDown, query, keyValueDown, keyValue, output)
                    .filter(Objects::nonNull).flatMap(LinearSpec::weights));
        }

        @Override
        public CachedRow cachedRow() {
            return new CachedRow(heads, plainDim + rotation.dim(), valueDim);
        }
    }

    /**
     * Linear attention by the gated delta rule (Gated DeltaNet, arXiv 2412.06464) as Qwen3-Next has it.
     *
     * @param projection to queries, keys, values and gates, grouped by key head; rates to betas and time steps likewise
     * @param convolution [channels, 1, taps]
     * @param logRate [value heads], the logarithm of the rate of forgetting; timeBias likewise, added to the time steps
     * @param norm of each head of what comes out, before its gate
     */
    record GatedDelta(
            GatedDeltaRule.Heads heads,
            LinearSpec projection,
            LinearSpec rates,
            WeightSpec convolution,
            WeightSpec logRate,
            WeightSpec timeBias,
            NormSpec norm,
            LinearSpec output) implements AttentionSpec {

        @Override
        public Stream<WeightSpec> weights() {
            return Stream.concat(Stream.of(projection, rates, output).flatMap(LinearSpec::weights),
                    Stream.of(convolution, logRate, timeBias, norm.weight()));
        }

        @Override
        public CachedRow cachedRow() {
            return null;
        }
    }

    /**
     * What becomes of the scores: see {@link dev.aerie.torch.Attention.Options}.
     *
     * @param sinks [heads], or null
     */
    record Scores(double scale, int window, int chunk, double softCap, WeightSpec sinks) {

        public static Scores of(double scale) {
            return new Scores(scale, 0, 0, 0, null);
        }

        public Scores withWindow(int changed) {
            return new Scores(scale, changed, chunk, softCap, sinks);
        }

        public Scores withChunk(int changed) {
            return new Scores(scale, window, changed, softCap, sinks);
        }

        public Scores withSoftCap(double changed) {
            return new Scores(scale, window, chunk, changed, sinks);
        }

        public Scores withSinks(WeightSpec changed) {
            return new Scores(scale, window, chunk, softCap, changed);
        }
    }

    /**
     * @param dim the first dimensions of a head, which alone are turned; even
     * @param interleaved whether the pairs are (2j, 2j + 1) instead of (j, j + dim/2)
     */
    record RotaryEmbedding(Rope rope, int dim, boolean interleaved) {}

    /**
     * @param query norm over the head dimension, with or without a weight; key likewise
     * @param afterRotation whether the norms come after the rotation (Llama 4) instead of before it
     */
    record HeadNorms(NormSpec query, NormSpec key, boolean afterRotation) {}

    /** Queries at position t are multiplied by log(1 + ⌊(t + 1) / floorScale⌋) · scale + 1 (Llama 4). */
    record Temperature(double floorScale, double scale) {}
}
