package dev.aerie.target.spec;

/**
 * A root mean square norm.
 *
 * @param weight [size]; null without
 * @param offset added to the weight: 1 where checkpoints hold what the weight differs from 1 by (Gemma, Qwen3-Next). The product
 *     is then made in float32
 */
public record NormSpec(WeightSpec weight, double eps, double offset) {

    public NormSpec(WeightSpec weight, double eps) {
        this(weight, eps, 0);
    }

    /** Tensor {@code name.weight}. */
    public static NormSpec of(String name, long size, double eps) {
        return new NormSpec(new WeightSpec(name + ".weight", size), eps);
    }

    /** Tensor {@code name.weight}, to which 1 is added. */
    public static NormSpec aroundOne(String name, long size, double eps) {
        return new NormSpec(new WeightSpec(name + ".weight", size), eps, 1);
    }

    /** x / sqrt(mean(x²) + eps). */
    public static NormSpec weightless(double eps) {
        return new NormSpec(null, eps);
    }
}
