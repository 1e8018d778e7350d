package dev.aerie.target.layer;

import dev.aerie.target.spec.LinearSpec;
import dev.aerie.torch.Nn;
import dev.aerie.torch.Tensor;

/** A loaded {@link LinearSpec}. */
record Linear(Tensor weight, Tensor bias) {

    Tensor of(Tensor x) {
        return Nn.linear(x, weight, bias);
    }
}
