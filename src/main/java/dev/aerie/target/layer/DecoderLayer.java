package dev.aerie.target.layer;

import dev.aerie.target.spec.LayerSpec;
import dev.aerie.torch.Tensor;

/** A loaded {@link LayerSpec}; the norms after its parts may be null. */
public record DecoderLayer(
        RmsNorm attentionNorm,
        LayerAttention attention,
        RmsNorm postAttentionNorm,
        RmsNorm feedForwardNorm,
        FeedForward feedForward,
        RmsNorm postFeedForwardNorm) {

    public Tensor of(Tensor x, ForwardPass pass) {
        Tensor h = x.add(normed(attention.of(attentionNorm.of(x), pass), postAttentionNorm));
        return h.add(normed(feedForward.of(feedForwardNorm.of(h)), postFeedForwardNorm));
    }

    private static Tensor normed(Tensor x, RmsNorm norm) {
        return norm == null ? x : norm.of(x);
    }
}
