package dev.aerie.target.spec;

/**
 * A root mean square norm.
 *
 * @param weight [size]; null if the norm has no weight
 * @param offset added to the weight: 1 if checkpoints hold the weight's difference from 1 (Gemma, Qwen3-Next), in which case the
 *     product is computed in float32
 */
public record NormSpec(WeightSpec weight, double eps, double offset) {

    public NormSpec(WeightSpec weight, double eps) {
        this(weight, eps, 0);
    }

    /** Creates the spec with tensor {@code name.weight}. */
    public static NormSpec of(String name, long size, double eps) {
        return new NormSpec(new WeightSpec(name + ".weight", size), eps);
    }

    /** Creates the spec with tensor {@code name.weight}, to which 1 is added. */
    public static NormSpec offsetByOne(String name, long size, double eps) {
        return new NormSpec(new WeightSpec(name + ".weight", size), eps, 1);
    }

    /** Creates the spec of x / sqrt(mean(x²) + eps). */
    public static NormSpec weightless(double eps) {
        return new NormSpec(null, eps);
    }
}
