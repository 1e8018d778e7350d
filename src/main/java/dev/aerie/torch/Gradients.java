package dev.aerie.torch;

/**
 * Gradients of {@link Nn}'s operators, for backward passes written by hand: without a recorded graph only the tensors that are
 * needed are kept, and weight gradients are added to their accumulators directly.
 */
public final class Gradients {

    private Gradients() {}

    /**
     * Gradients of {@link Nn#rmsNorm}.
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

    /** Returns the gradient of {@link Nn#rotaryEmbedding} with respect to x, which is the inverse rotation. */
    public static Tensor rotaryEmbedding(Tensor dy, Tensor cos, Tensor sin) {
        return Nn.rotaryEmbedding(dy, cos, sin.mul(-1));
    }

    /** Returns the gradient of {@link Nn#siluProduct} with respect to its argument. */
    public static Tensor siluProduct(Tensor dy, Tensor gateUp) {
        return Script.tensor("silu_product_backward", dy, gateUp);
    }

    /** Returns the gradient of {@link Nn#linear} with respect to x: dy · weight. */
    public static Tensor linear(Tensor dy, Tensor weight) {
        return Script.tensor("matmul", dy, weight);
    }

    /**
     * Adds the gradient of {@link Nn#linear} with respect to the weight, dyᵀ · x, to an accumulator.
     *
     * @param accumulator [out, in], whose type may be wider than that of dy and x
     */
    public static void addLinearWeight(Tensor accumulator, Tensor dy, Tensor x) {
        Script.nothing("add_outer_", accumulator, dy, x);
    }
}
