package dev.aerie.target;

import dev.aerie.torch.Tensor;

/** A loaded {@link LayerSpec}. */
record DecoderLayer(RmsNorm attentionNorm, SelfAttention attention, RmsNorm feedForwardNorm, FeedForward feedForward) {

    Tensor of(Tensor x, ForwardPass pass) {
        Tensor h = x.add(attention.of(attentionNorm.of(x), pass));
        return h.add(feedForward.of(feedForwardNorm.of(h)));
    }
}
