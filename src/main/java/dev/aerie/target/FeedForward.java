package dev.aerie.target;

import dev.aerie.torch.Tensor;

/** A loaded {@link FeedForwardSpec}. */
interface FeedForward {

    /**
     * @param x [T, hidden]
     * @return [T, hidden]
     */
    Tensor of(Tensor x);
}
