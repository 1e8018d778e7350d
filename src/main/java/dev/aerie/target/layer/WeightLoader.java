package dev.aerie.target.layer;

import dev.aerie.target.spec.LinearSpec;
import dev.aerie.target.spec.NormSpec;
import dev.aerie.target.spec.WeightSpec;
import dev.aerie.target.weights.Weights;
import dev.aerie.torch.DType;
import dev.aerie.torch.Device;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.stream.LongStream;

/**
 * Brings tensors to where and in the type in which they are computed with.
 *
 * @param source where they come from
 * @param owner of all that is loaded: the target's scope, or one of a single layer that is streamed
 */
public record WeightLoader(Source source, DType dtype, Device device, Scope owner) {

    /** Gives a tensor of a type on the loader's device, in the innermost scope. */
    public interface Source {
        Tensor read(WeightSpec spec, DType dtype);
    }

    /** Reads what stays on the device. */
    public WeightLoader(Weights weights, DType dtype, Device device, Scope owner) {
        this((spec, type) -> weights.read(spec, type, device), dtype, device, owner);
    }

    /** Owned by {@link #owner}; null for null. */
    public Tensor load(WeightSpec spec) {
        if (spec == null) {
            return null;
        }
        try (Scope loading = Scope.open()) {
            return owner.adopt(source.read(spec, dtype));
        }
    }

    /** Weights of one shape side by side, [n, shape]; each is freed as soon as it is in its place. */
    Tensor loadTogether(List<WeightSpec> specs) {
        long[] shape = specs.get(0).shape();
        long[] all = LongStream.concat(LongStream.of(specs.size()), Arrays.stream(shape)).toArray();
        try (Scope loading = Scope.open()) {
            Tensor together = Tensor.zeros(dtype, device, all);
            for (int i = 0; i < specs.size(); i++) {
                try (Scope one = Scope.open()) {
                    together.narrow(0, i, 1).view(shape).copy_(source.read(specs.get(i), dtype));
                }
            }
            return owner.adopt(together);
        }
    }

    public Linear load(LinearSpec spec) {
        return new Linear(load(spec.weight()), load(spec.bias()));
    }

    public RmsNorm load(NormSpec spec) {
        if (spec == null) {
            return null;
        }
        if (spec.offset() == 0) {
            return new RmsNorm(load(spec.weight()), spec.eps(), false);
        }
        try (Scope loading = Scope.open()) {
            Tensor around = source.read(spec.weight(), DType.F32);
            Tensor offset = Tensor.full(spec.offset(), DType.F32, device, 1);
            return new RmsNorm(owner.adopt(around.add(offset)), spec.eps(), dtype != DType.F32);
        }
    }

    /** The same, loading in another type. */
    WeightLoader as(DType other) {
        return new WeightLoader(source, other, device, owner);
    }
}
