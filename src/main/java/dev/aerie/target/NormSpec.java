package dev.aerie.target;

/**
 * A root mean square norm.
 *
 * @param weight [size]
 */
public record NormSpec(WeightSpec weight, double eps) {

    /** Tensor {@code name.weight}. */
    public static NormSpec of(String name, long size, double eps) {
        return new NormSpec(new WeightSpec(name + ".weight", size), eps);
    }
}
