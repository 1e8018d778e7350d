package dev.aerie.target.layer;

import dev.aerie.target.spec.NormSpec;
import dev.aerie.torch.Nn;
import dev.aerie.torch.Tensor;

/**
 * A loaded {@link NormSpec}.
 *
 * @param weight float32 if {@code wide}; null if the norm has no weight
 * @param wide whether the product with the weight is computed in float32
 */
public record RmsNorm(Tensor weight, double eps, boolean wide) {

    public Tensor of(Tensor x) {
        return wide ? Nn.rmsNormWide(x, weight, eps) : Nn.rmsNorm(x, weight, eps);
    }
}
