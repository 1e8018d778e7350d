package dev.aerie.torch;

/** The operators of transformer layers. Rows are tokens of packed sequences, never padded. */
public final class Nn {

    private Nn() {}

    /**
     * Returns x · weightᵀ + bias.
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
     * Computes the root mean square norm (Zhang and Sennrich, 2019) over the last dimension, with float32 statistics.
     *
     * @param weight [size], or null
     */
    public static Tensor rmsNorm(Tensor x, Tensor weight, double eps) {
        return Script.tensor("rms_norm", x, weight, eps);
    }

    /**
     * Computes {@link #rmsNorm} with the product in float32 too, so that the result is rounded once.
     *
     * @param weight float32 [size]
     */
    public static Tensor rmsNormWide(Tensor x, Tensor weight, double eps) {
        return Script.tensor("rms_norm_wide", x, weight, eps);
    }

    /**
     * Applies rotary position embedding (Su et al., 2021) in the rotate-half form.
     *
     * @param x [T, heads, d], of which the first r dimensions are rotated
     * @param cos [T, r/2], one angle for each pair (j, j + r/2)
     * @param sin likewise
     */
    public static Tensor rotaryEmbedding(Tensor x, Tensor cos, Tensor sin) {
        return Script.tensor("rotary_embedding", x, cos, sin);
    }

    /** Applies {@link #rotaryEmbedding} to the pairs (2j, 2j + 1), in float32. */
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

    /** Returns x · sigmoid(gate). */
    public static Tensor sigmoidGate(Tensor x, Tensor gate) {
        return Script.tensor("sigmoid_gate", x, gate);
    }

    /** Returns cap · tanh(x / cap). */
    public static Tensor softCap(Tensor x, double cap) {
        return Script.tensor("soft_cap", x, cap);
    }

    /** Returns gelu(gate) · up with the tanh form of gelu. */
    public static Tensor geluTanhProduct(Tensor gate, Tensor up) {
        return Script.tensor("gelu_tanh_product", gate, up);
    }

    /**
     * Joins dimensions of each head with dimensions that all heads share, as in keys of latent attention.
     *
     * @param own [T, heads, a]
     * @param shared [T, 1, b]
     * @return [T, heads, a + b]
     */
    public static Tensor joinShared(Tensor own, Tensor shared) {
        return Script.tensor("join_shared", own, shared);
    }

    /** Returns down(silu(gate(x)) · up(x)) (Shazeer, 2020). */
    public static Tensor swiGlu(Tensor x, Tensor gate, Tensor up, Tensor down) {
        return swiGlu(x, gate, null, up, null, down, null);
    }

    /** Computes SwiGLU with biases, each of which may be null. */
    public static Tensor swiGlu(Tensor x, Tensor gate, Tensor gateBias, Tensor up, Tensor upBias, Tensor down, Tensor downBias) {
        return Script.tensor("swi_glu", x, gate, gateBias, up, upBias, down, downBias);
    }

    /** Returns {@link #linear} of x plus an addend of the result's shape, such as a residual stream. */
    public static Tensor linearAdd(Tensor x, Tensor weight, Tensor addend) {
        return Script.tensor("linear_add", x, weight, addend);
    }

    /**
     * Returns silu(gate) · up, the activation of {@link #swiGlu}.
     *
     * @param gateUp [T, 2 · intermediate], gate first
     * @return [T, intermediate]
     */
    public static Tensor siluProduct(Tensor gateUp) {
        return Script.tensor("silu_product", gateUp);
    }
}
