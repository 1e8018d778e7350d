package dev.aerie.target.layer;

import dev.aerie.target.spec.AttentionSpec;
import dev.aerie.torch.Tensor;

/** A loaded {@link AttentionSpec}. */
public interface LayerAttention {

    /**
     * @param x [T, hidden]
     * @return [T, hidden]
     */
    Tensor of(Tensor x, ForwardPass pass);
}
