package dev.aerie.target.spec;

import dev.aerie.target.family.TargetFamily;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiFunction;
import java.util.function.IntFunction;
import java.util.function.Predicate;
import java.util.stream.Stream;

/**
 * A decoder as data: what a {@link TargetFamily} makes of a config.json and the engine executes.
 *
 * @param embedding [vocabulary, hidden]
 * @param norm after the last layer
 * @param lmHead [vocabulary, hidden]; equal to the embedding where they are tied
 * @param unused tells tensors that checkpoints of the family hold and nobody needs
 * @param embeddingScale what the embeddings are multiplied by on their way into the first layer
 * @param logitSoftCap logits become logitSoftCap · tanh(logit / logitSoftCap) (Gemma 2); 0: as they are
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

    /** Embeddings and logits as they are. */
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

    /** With more tensors that nobody needs. */
    public DecoderSpec ignoring(Predicate<String> more) {
        return new DecoderSpec(config, embedding, layers, norm, lmHead, unused.or(more), embeddingScale, logitSoftCap);
    }

    /** What Gemma does at the two ends. */
    public DecoderSpec with(double scale, double softCap) {
        return new DecoderSpec(config, embedding, layers, norm, lmHead, unused, scale, softCap);
    }

    /** With other feed-forward parts in some layers: null from the function leaves a layer's as it is. */
    public DecoderSpec withFeedForward(IntFunction<FeedForwardSpec> ofLayer) {
        List<LayerSpec> changed = new ArrayList<>();
        for (LayerSpec layer : layers) {
            FeedForwardSpec other = ofLayer.apply(changed.size());
            changed.add(other == null ? layer : layer.with(other));
        }
        return with(changed);
    }

    /** With another attention in each layer, made from the {@link AttentionSpec.GroupedQuery} that the layer has. */
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
