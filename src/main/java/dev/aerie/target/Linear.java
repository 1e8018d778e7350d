package dev.aerie.target;

import dev.aerie.torch.Nn;
import dev.aerie.torch.Tensor;

/** A loaded {@link LinearSpec}. */
record Linear(Tensor weight, Tensor bias) {

    Tensor of(Tensor x) {
        return Nn.linear(x, weight, bias);
    }
}
