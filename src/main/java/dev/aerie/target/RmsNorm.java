package dev.aerie.target;

import dev.aerie.torch.Nn;
import dev.aerie.torch.Tensor;

/**
 * A loaded {@link NormSpec}.
 *
 * @param weight float32 where {@code wide}; null without
 * @param wide whether the product with the weight is made in float32
 */
record RmsNorm(Tensor weight, double eps, boolean wide) {

    Tensor of(Tensor x) {
        return wide ? Nn.rmsNormWide(x, weight, eps) : Nn.rmsNorm(x, weight, eps);
    }
}
