package dev.aerie.target.spec;

import java.util.stream.Stream;

/**
 * A linear layer.
 *
 * @param weight [out, in]
 * @param bias [out], or null
 */
public record LinearSpec(WeightSpec weight, WeightSpec bias) {

    /** Creates the spec with tensors {@code name.weight} and, if there is a bias, {@code name.bias}. */
    public static LinearSpec of(String name, long in, long out, boolean bias) {
        return new LinearSpec(new WeightSpec(name + ".weight", out, in), bias ? new WeightSpec(name + ".bias", out) : null);
    }

    /** Creates the spec of one of several layers whose weights are stored in one tensor, as ranges of its rows. */
    public static LinearSpec of(String name, long in, long out, WeightSpec.Rows rows) {
        return new LinearSpec(new WeightSpec(name + ".weight", rows, out, in), null);
    }

    Stream<WeightSpec> weights() {
        return Stream.of(weight, bias).filter(w -> w != null);
    }
}
