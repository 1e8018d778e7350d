package dev.aerie.target.spec;

import dev.aerie.target.layer.KvCache;
import dev.aerie.torch.GatedDeltaRule;
import java.util.Objects;
import java.util.stream.Stream;

/** The attention of a layer: how its tokens attend to each other. */
public sealed interface AttentionSpec {

    /** Returns every tensor that the attention needs. */
    Stream<WeightSpec> weights();

    /** Returns what a {@link KvCache} holds for each token; null if it holds one state for all tokens. */
    CachedRow cachedRow();

    /** The width of keys [kv heads, keyDim] and values [kv heads, valueDim]. */
    record CachedRow(int kvHeads, int keyDim, int valueDim) {}

    /**
     * Grouped-query attention (Ainslie et al., 2023), causal.
     *
     * @param rotation of queries and keys; null if the layer uses no positions (NoPE)
     * @param norms of the heads of queries and keys; null if there are none
     * @param temperature of the queries; null if there is none
     * @param gated whether the query projection gives two rows per head, [heads, 2, headDim], the query and a gate, where
     *     sigmoid(gate) multiplies the attention's result before {@code output} (Qwen3-Next)
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
            return new GroupedQuery(heads, kvHeads, headDim, changed, rotation, norms, temperature, gated, query, key, value,
                    output);
        }

        public GroupedQuery with(RotaryEmbedding changed) {
            return new GroupedQuery(heads, kvHeads, headDim, scores, changed, norms, temperature, gated, query, key, value,
                    output);
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
     * Multi-head latent attention (DeepSeek-V2, arXiv 2405.04434, section 2.1), causal. The keys and values of all heads are
     * computed from one short vector per token. A head of queries and keys is [plainDim + rotation.dim]; only the second part is
     * rotated, and in the keys all heads share it. A head of values is [valueDim].
     *
     * @param rotation of the second part of each head
     * @param queryDown to the latent vector of the queries; null if they are computed from the hidden state itself
     * @param queryNorm of that vector; null if there is none
     * @param keyValueDown to the latent vector of keys and values, followed by the rotated part of the keys
     * @param keyValue to the plain part of the key and then the value, for each head
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
     * Linear attention by the gated delta rule (Gated DeltaNet, arXiv 2412.06464), in the form of Qwen3-Next.
     *
     * @param projection to queries, keys, values and gates, grouped by key head
     * @param rates to betas and time steps, grouped by key head
     * @param convolution [channels, 1, taps]
     * @param logRate [value heads], the logarithm of the forget rate
     * @param timeBias [value heads], added to the time steps
     * @param norm of each head of the output, before the gate is applied
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
     * How scores are scaled, masked and capped: see {@link dev.aerie.torch.Attention.Options}.
     *
     * @param sinks [heads]; null if there are none
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
     * @param dim number of leading dimensions of a head that are rotated; even
     * @param interleaved whether the pairs are (2j, 2j + 1) instead of (j, j + dim/2)
     */
    record RotaryEmbedding(Rope rope, int dim, boolean interleaved) {}

    /**
     * @param query norm over the head dimension, with or without a weight
     * @param key likewise
     * @param afterRotation whether the norms follow the rotation (Llama 4) instead of preceding it
     */
    record HeadNorms(NormSpec query, NormSpec key, boolean afterRotation) {}

    /** Queries at position t are multiplied by log(1 + ⌊(t + 1) / floorScale⌋) · scale + 1 (Llama 4). */
    record Temperature(double floorScale, double scale) {}
}
