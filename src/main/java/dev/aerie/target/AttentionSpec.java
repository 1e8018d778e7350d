package dev.aerie.target;

import java.util.Objects;
import java.util.stream.Stream;

/** How the tokens of a layer see each other. */
public sealed interface AttentionSpec {

    /** Every tensor that the layer needs for it. */
    Stream<WeightSpec> weights();

    /** What a {@link KvCache} holds for each token. */
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
            Rotation rotation,
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

        public GroupedQuery with(Rotation changed) {
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
    record Rotation(Rope rope, int dim, boolean interleaved) {}

    /**
     * @param query norm over the head dimension, with or without a weight; key likewise
     * @param afterRotation whether the norms come after the rotation (Llama 4) instead of before it
     */
    record HeadNorms(NormSpec query, NormSpec key, boolean afterRotation) {}

    /** Queries at position t are multiplied by log(1 + ⌊(t + 1) / floorScale⌋) · scale + 1 (Llama 4). */
    record Temperature(double floorScale, double scale) {}
}
