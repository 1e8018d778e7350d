package dev.aerie.torch;

/**
 * Gradients of {@link Nn}'s operators, written out where a whole backward pass is: without a recorded graph each tensor that
 * is kept is kept on purpose, and weight gradients go straight into their accumulator.
 */
public final class Gradients {

    private Gradients() {}

    /**
     * Gradient of {@link Nn#rmsNorm}.
     *
     * @param input the gradient of x, in its type
     * @param weight the gradient of the weight, float32 (float64 for float64)
     */
    public record RmsNormGradient(Tensor input, Tensor weight) {}

    /** @param dy the gradient of the norm's result, of x's shape */
    public static RmsNormGradient rmsNorm(Tensor dy, Tensor x, Tensor weight, double eps) {
        Tensor[] g = Script.tensors("rms_norm_backward", dy, x, weight, eps);
        return new RmsNormGradient(g[0], g[1]);
    }

    /** Gradient of {@link Nn#rotaryEmbedding} with respect to x: the rotation back. */
    public static Tensor rotaryEmbedding(Tensor dy, Tensor cos, Tensor sin) {
        return Nn.rotaryEmbedding(dy, cos, sin.mul(-1));
    }

    /** Gradient of {@link Nn#siluProduct} with respect to its argument. */
    public static Tensor siluProduct(Tensor dy, Tensor gateUp) {
        return Script.tensor("silu_product_backward", dy, gateUp);
    }

    /** Gradient of {@link Nn#linear} with respect to x: dy · weight. */
    public static Tensor linear(Tensor dy, Tensor weight) {
        return Script.tensor("matmul", dy, weight);
    }

    /**
     * Gradient of {@link Nn#linear} with respect to the weight: adds dyᵀ · x to an accumulator.
     *
     * @param accumulator [out, in], which may be wider than dy and x
     */
    public static void addLinearWeight(Tensor accumulator, Tensor dy, Tensor x) {
        Script.nothing("add_outer_", accumulator, dy, x);
    }
}
