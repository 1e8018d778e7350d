package dev.aerie.target.spec;

import java.util.stream.Stream;

/**
 * A linear layer.
 *
 * @param weight [out, in]
 * @param bias [out], or null
 */
public record LinearSpec(WeightSpec weight, WeightSpec bias) {

    /** Tensors {@code name.weight} and, where asked for, {@code name.bias}. */
    public static LinearSpec of(String name, long in, long out, boolean bias) {
        return new LinearSpec(new WeightSpec(name + ".weight", out, in), bias ? new WeightSpec(name + ".bias", out) : null);
    }

    /** One of several layers whose weights are stored as one, below each other. */
    public static LinearSpec of(String name, long in, long out, WeightSpec.Rows rows) {
        return new LinearSpec(new WeightSpec(name + ".weight", rows, out, in), null);
    }

    Stream<WeightSpec> weights() {
        return Stream.of(weight, bias).filter(w -> w != null);
    }
}
