package dev.aerie.target;

import java.util.stream.Stream;

/** One decoder layer, pre-norm: x ← x + attention(norm(x)), then x ← x + feedForward(norm(x)). */
public record LayerSpec(NormSpec attentionNorm, AttentionSpec attention, NormSpec feedForwardNorm, FeedForwardSpec feedForward) {

    Stream<WeightSpec> weights() {
        return Stream.of(
                        Stream.of(attentionNorm.weight(), feedForwardNorm.weight()),
                        attention.weights(),
                        feedForward.weights())
                .flatMap(s -> s);
    }

    LayerSpec with(FeedForwardSpec changed) {
        return new LayerSpec(attentionNorm, attention, feedForwardNorm, changed);
    }
}
