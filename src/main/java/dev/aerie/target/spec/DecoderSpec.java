package dev.aerie.target.spec;

import dev.aerie.target.family.TargetFamily;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiFunction;
import java.util.function.IntFunction;
import java.util.function.Predicate;
import java.util.stream.Stream;

/**
 * A decoder as data: a {@link TargetFamily} creates it from a config.json and the engine executes it.
 *
 * @param embedding [vocabulary, hidden]
 * @param norm after the last layer
 * @param lmHead [vocabulary, hidden]; equal to the embedding if the two are tied
 * @param unused matches tensors that checkpoints of the family hold and the decoder does not use
 * @param embeddingScale factor of the embeddings that enter the first layer
 * @param logitSoftCap the cap c of logits = c · tanh(logit / c) (Gemma 2); 0 without a cap
 */
public record DecoderSpec(
        TargetConfig config,
        WeightSpec embedding,
        List<LayerSpec> layers,
        NormSpec norm,
        WeightSpec lmHead,
        Predicate<String> unused,
        double embeddingScale,
        double logitSoftCap) {

    /** Creates a spec without embedding scale and logit cap. */
    public DecoderSpec(TargetConfig config, WeightSpec embedding, List<LayerSpec> layers, NormSpec norm, WeightSpec lmHead,
            Predicate<String> unused) {
        this(config, embedding, layers, norm, lmHead, unused, 1, 0);
    }

    public boolean tied() {
        return lmHead.name().equals(embedding.name());
    }

    public List<WeightSpec> weights() {
        Stream<WeightSpec> ends = Stream.of(embedding, norm.weight(), lmHead).limit(tied() ? 2 : 3);
        return Stream.concat(ends, layers.stream().flatMap(LayerSpec::weights)).toList();
    }

    public DecoderSpec with(TargetConfig changed) {
        return new DecoderSpec(changed, embedding, layers, norm, lmHead, unused, embeddingScale, logitSoftCap);
    }

    public DecoderSpec with(NormSpec changed) {
        return new DecoderSpec(config, embedding, layers, changed, lmHead, unused, embeddingScale, logitSoftCap);
    }

    /** Returns a copy that does not use these tensors either. */
    public DecoderSpec ignoring(Predicate<String> more) {
        return new DecoderSpec(config, embedding, layers, norm, lmHead, unused.or(more), embeddingScale, logitSoftCap);
    }

    /** Returns a copy with Gemma's embedding scale and logit cap. */
    public DecoderSpec with(double scale, double softCap) {
        return new DecoderSpec(config, embedding, layers, norm, lmHead, unused, scale, softCap);
    }

    /** Returns a copy with other feed-forward parts in the layers for which the function does not return null. */
    public DecoderSpec withFeedForward(IntFunction<FeedForwardSpec> ofLayer) {
        List<LayerSpec> changed = new ArrayList<>();
        for (LayerSpec layer : layers) {
            FeedForwardSpec other = ofLayer.apply(changed.size());
            changed.add(other == null ? layer : layer.with(other));
        }
        return with(changed);
    }

    /** Returns a copy with other attention in each layer, created from the layer's {@link AttentionSpec.GroupedQuery}. */
    public DecoderSpec withAttention(BiFunction<Integer, AttentionSpec.GroupedQuery, AttentionSpec> ofLayer) {
        List<LayerSpec> changed = new ArrayList<>();
        for (LayerSpec layer : layers) {
            changed.add(layer.with(ofLayer.apply(changed.size(), (AttentionSpec.GroupedQuery) layer.attention())));
        }
        return with(changed);
    }

    private DecoderSpec with(List<LayerSpec> changed) {
        return new DecoderSpec(config, embedding, List.copyOf(changed), norm, lmHead, unused, embeddingScale, logitSoftCap);
    }
}
