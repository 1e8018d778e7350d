package dev.aerie.target;

import dev.aerie.torch.Tensor;

/** A loaded {@link AttentionSpec}. */
interface LayerAttention {

    /**
     * @param x [T, hidden]
     * @return [T, hidden]
     */
    Tensor of(Tensor x, ForwardPass pass);
}
