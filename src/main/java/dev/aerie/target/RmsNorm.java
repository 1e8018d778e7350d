package dev.aerie.target;

import dev.aerie.torch.Nn;
import dev.aerie.torch.Tensor;

/** A loaded {@link NormSpec}. */
record RmsNorm(Tensor weight, double eps) {

    Tensor of(Tensor x) {
        return Nn.rmsNorm(x, weight, eps);
    }
}
