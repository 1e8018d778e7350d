package dev.aerie.torch;

/** The operators that transformer layers are made of. Rows are tokens: packed sequences, never padded. */
public final class Nn {

    private Nn() {}

    /**
     * x · weightᵀ + bias.
     *
     * @param x [..., in]
     * @param weight [out, in]
     * @param bias [out], or null
     */
    public static Tensor linear(Tensor x, Tensor weight, Tensor bias) {
        return Script.tensor("linear", x, weight, bias);
    }

    public static Tensor linear(Tensor x, Tensor weight) {
        return linear(x, weight, null);
    }

    /**
     * @param ids int64 [T]
     * @param weight [vocabulary, hidden]
     * @return [T, hidden]
     */
    public static Tensor embedding(Tensor ids, Tensor weight) {
        return Script.tensor("embedding", ids, weight);
    }

    /**
     * Root mean square norm (Zhang and Sennrich, 2019) over the last dimension, its statistics in float32.
     *
     * @param weight [size], or null
     */
    public static Tensor rmsNorm(Tensor x, Tensor weight, double eps) {
        return Script.tensor("rms_norm", x, weight, eps);
    }

    /**
     * {@link #rmsNorm} whose product with the weight is made in float32 too, and the result rounded once.
     *
     * @param weight float32 [size]
     */
    public static Tensor rmsNormWide(Tensor x, Tensor weight, double eps) {
        return Script.tensor("rms_norm_wide", x, weight, eps);
    }

    /**
     * Rotary position embedding (Su et al., 2021) in the rotate-half form.
     *
     * @param x [T, heads, d], of which the first r dimensions are rotated
     * @param cos [T, r/2], sin likewise: one angle for each pair (j, j + r/2)
     */
    public static Tensor rotaryEmbedding(Tensor x, Tensor cos, Tensor sin) {
        return Script.tensor("rotary_embedding", x, cos, sin);
    }

    /** {@link #rotaryEmbedding} of the pairs (2j, 2j + 1), in float32. */
    public static Tensor rotaryEmbeddingInterleaved(Tensor x, Tensor cos, Tensor sin) {
        return Script.tensor("rotary_embedding_interleaved", x, cos, sin);
    }

    /**
     * @param x [T, heads, d]
     * @param factors float32 [T]
     */
    public static Tensor scaleRows(Tensor x, Tensor factors) {
        return Script.tensor("scale_rows", x, factors);
    }

    /** x · sigmoid(gate). */
    public static Tensor sigmoidGate(Tensor x, Tensor gate) {
        return Script.tensor("sigmoid_gate", x, gate);
    }

    /** cap · tanh(x / cap). */
    public static Tensor softCap(Tensor x, double cap) {
        return Script.tensor("soft_cap", x, cap);
    }

    /** gelu(gate) · up with the tanh form of gelu. */
    public static Tensor geluTanhProduct(Tensor gate, Tensor up) {
        return Script.tensor("gelu_tanh_product", gate, up);
    }

    /**
     * Heads whose last dimensions are the same for all of them, as keys of latent attention are.
     *
     * @param own [T, heads, a]
     * @param shared [T, 1, b]
     * @return [T, heads, a + b]
     */
    public static Tensor joinShared(Tensor own, Tensor shared) {
        return Script.tensor("join_shared", own, shared);
    }

    /** down(silu(gate(x)) · up(x)) (Shazeer, 2020). */
    public static Tensor swiGlu(Tensor x, Tensor gate, Tensor up, Tensor down) {
        return swiGlu(x, gate, null, up, null, down, null);
    }

    /** With biases, each of which may be null. */
    public static Tensor swiGlu(Tensor x, Tensor gate, Tensor gateBias, Tensor up, Tensor upBias, Tensor down, Tensor downBias) {
        return Script.tensor("swi_glu", x, gate, gateBias, up, upBias, down, downBias);
    }

    /** {@link #linear} of x plus an addend of the result's shape, such as a residual stream. */
    public static Tensor linearAdd(Tensor x, Tensor weight, Tensor addend) {
        return Script.tensor("linear_add", x, weight, addend);
    }

    /**
     * silu(gate) · up, the activation of {@link #swiGlu}.
     *
     * @param gateUp [T, 2 · intermediate], gate first
     * @return [T, intermediate]
     */
    public static Tensor siluProduct(Tensor gateUp) {
        return Script.tensor("silu_product", gateUp);
    }
}
