package dev.aerie.target;

import dev.aerie.torch.DType;
import dev.aerie.torch.Device;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;

/** Brings tensors to where and in the type in which they are computed with. */
record WeightLoader(Weights weights, DType dtype, Device device, Scope owner) {

    /** Owned by {@link #owner}; null for null. */
    Tensor load(WeightSpec spec) {
        if (spec == null) {
            return null;
        }
        try (Scope loading = Scope.open()) {
            return owner.adopt(weights.read(spec, dtype, device));
        }
    }

    Linear load(LinearSpec spec) {
        return new Linear(load(spec.weight()), load(spec.bias()));
    }

    RmsNorm load(NormSpec spec) {
        return spec == null ? null : new RmsNorm(load(spec.weight()), spec.eps());
    }

    /** The same, loading in another type. */
    WeightLoader as(DType other) {
        return new WeightLoader(weights, other, device, owner);
    }
}
