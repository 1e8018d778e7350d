package dev.aerie.target.layer;

import dev.aerie.target.spec.FeedForwardSpec;
import dev.aerie.torch.Tensor;

/** A loaded {@link FeedForwardSpec}. */
public interface FeedForward {

    /**
     * @param x [T, hidden]
     * @return [T, hidden]
     */
    Tensor of(Tensor x);
}
