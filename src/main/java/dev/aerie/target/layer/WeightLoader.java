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
 * Loads tensors in the type and to the device that they are computed with.
 *
 * @param source reads the tensors
 * @param owner of all loaded tensors: the target's scope, or that of a single streamed layer
 */
public record WeightLoader(Source source, DType dtype, Device device, Scope owner) {

    /** Reads a tensor in a type, on the loader's device and in the innermost scope. */
    public interface Source {
        Tensor read(WeightSpec spec, DType dtype);
    }

    /** Creates a loader of weights that stay on the device. */
    public WeightLoader(Weights weights, DType dtype, Device device, Scope owner) {
        this((spec, type) -> weights.read(spec, type, device), dtype, device, owner);
    }

    /** Loads a tensor, owned by {@link #owner}; returns null for null. */
    public Tensor load(WeightSpec spec) {
        if (spec == null) {
            return null;
        }
        try (Scope loading = Scope.open()) {
            return owner.adopt(source.read(spec, dtype));
        }
    }

    /** Stacks weights of one shape, [n, shape]; each is freed as soon as it is copied. */
    Tensor loadStacked(List<WeightSpec> specs) {
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

    /** Returns a loader of the same tensors in another type. */
    WeightLoader as(DType other) {
        return new WeightLoader(source, other, device, owner);
    }
}
