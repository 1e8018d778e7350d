package dev.aerie.target;

import java.util.List;
import java.util.function.Predicate;
import java.util.stream.Stream;

/**
 * A decoder as data: what a {@link TargetFamily} makes of a config.json and the engine executes.
 *
 * @param embedding [vocabulary, hidden]
 * @param norm after the last layer
 * @param lmHead [vocabulary, hidden]; equal to the embedding where they are tied
 * @param unused tells tensors that checkpoints of the family hold and nobody needs
 */
public record DecoderSpec(
        TargetConfig config,
        WeightSpec embedding,
        List<LayerSpec> layers,
        NormSpec norm,
        WeightSpec lmHead,
        Predicate<String> unused) {

    boolean tied() {
        return lmHead.name().equals(embedding.name());
    }

    List<WeightSpec> weights() {
        Stream<WeightSpec> ends = Stream.of(embedding, norm.weight(), lmHead).limit(tied() ? 2 : 3);
        return Stream.concat(ends, layers.stream().flatMap(LayerSpec::weights)).toList();
    }

    DecoderSpec with(TargetConfig changed) {
        return new DecoderSpec(changed, embedding, layers, norm, lmHead, unused);
    }
}
