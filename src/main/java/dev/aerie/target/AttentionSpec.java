package dev.aerie.target;

import java.util.stream.Stream;

/** How the tokens of a layer see each other. */
public sealed interface AttentionSpec {

    /** Every tensor that the layer needs for it. */
    Stream<WeightSpec> weights();

    /**
     * Grouped-query attention (Ainslie et al., 2023), causal over the whole sequence.
     *
     * @param scale of the scores before the softmax
     * @param queryNorm norm of each head of the queries before rotation, null without; keyNorm likewise
     */
    record GroupedQuery(
            int heads,
            int kvHeads,
            int headDim,
            double scale,
            Rope rope,
            LinearSpec query,
            LinearSpec key,
            LinearSpec value,
            LinearSpec output,
            NormSpec queryNorm,
            NormSpec keyNorm) implements AttentionSpec {

        @Override
        public Stream<WeightSpec> weights() {
            Stream<WeightSpec> norms = Stream.of(queryNorm, keyNorm).filter(n -> n != null).map(NormSpec::weight);
            return Stream.concat(Stream.of(query, key, value, output).flatMap(LinearSpec::weights), norms);
        }
    }
}
