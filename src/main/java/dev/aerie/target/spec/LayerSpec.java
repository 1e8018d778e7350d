package dev.aerie.target.spec;

import java.util.stream.Stream;

/**
 * One decoder layer: x ← x + post(attention(norm(x))), then x ← x + post(feedForward(norm(x))).
 *
 * @param postAttentionNorm of the attention's output before it is added (Gemma 2); null in most families
 * @param postFeedForwardNorm likewise
 */
public record LayerSpec(
        NormSpec attentionNorm,
        AttentionSpec attention,
        NormSpec postAttentionNorm,
        NormSpec feedForwardNorm,
        FeedForwardSpec feedForward,
        NormSpec postFeedForwardNorm) {

    /** Creates a layer with norms only before its two parts. */
    public LayerSpec(NormSpec attentionNorm, AttentionSpec attention, NormSpec feedForwardNorm, FeedForwardSpec feedForward) {
        this(attentionNorm, attention, null, feedForwardNorm, feedForward, null);
    }

    public Stream<WeightSpec> weights() {
        Stream<WeightSpec> norms = Stream.of(attentionNorm, postAttentionNorm, feedForwardNorm, postFeedForwardNorm)
                .filter(n -> n != null && n.weight() != null).map(NormSpec::weight);
        return Stream.of(norms, attention.weights(), feedForward.weights()).flatMap(s -> s);
    }

    public LayerSpec with(FeedForwardSpec changed) {
        return new LayerSpec(attentionNorm, attention, postAttentionNorm, feedForwardNorm, changed, postFeedForwardNorm);
    }

    public LayerSpec with(AttentionSpec changed) {
        return new LayerSpec(attentionNorm, changed, postAttentionNorm, feedForwardNorm, feedForward, postFeedForwardNorm);
    }
}
