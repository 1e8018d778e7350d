package dev.aerie.torch;

/**
 * Linear attention by the gated delta rule (Yang et al., 2024, arXiv 2412.06464): each head keeps a matrix from keys to values,
 * lets it decay, and corrects at every token what it answers to the token's key. Memory and time are linear in the tokens.
 *
 * <p>Keys, queries and values pass through a short causal convolution and SiLU before; queries and keys have length one. The
 * state is in float32 whatever the type.
 */
public final class GatedDeltaRule {

    private GatedDeltaRule() {}

    /**
     * Sizes of a layer; consecutive value heads share a key head.
     *
     * @param valueHeads a multiple of keyHeads
     */
    public record Heads(int keyHeads, int valueHeads, int keyDim, int valueDim) {

        /** Columns of what the convolution runs over: queries, keys and values. */
        public int channels() {
            return 2 * keyHeads * keyDim + valueHeads * valueDim;
        }
    }

    /**
     * What the rule works on.
     *
     * @param rows [T, channels], before the convolution
     * @param decay float32 [T, value heads], the logarithm of what is kept of the state
     * @param beta float32 [T, value heads], how much of the error is corrected
     */
    public record Inputs(Tensor rows, Tensor decay, Tensor beta) {

        public Inputs narrow(long start, long length) {
            return new Inputs(rows.narrow(0, start, length), decay.narrow(0, start, length), beta.narrow(0, start, length));
        }
    }

    /** Inputs, and the gate [T, value heads, value dim] of what comes out. */
    public record Projected(Inputs inputs, Tensor gate) {}

    /**
     * Where a sequence stands.
     *
     * @param tail [taps − 1, channels], the last rows, which the convolution still reads
     * @param matrix float32 [value heads, key dim, value dim]
     */
    public record State(Tensor tail, Tensor matrix) {}

    /** @param out [T, value heads, value dim]; the state is that after the last row */
    public record Result(Tensor out, State state) {}

    /**
     * Takes the two projections apart as Qwen3-Next lays them out, grouped by key head.
     *
     * @param qkvz [T, channels + value heads · value dim]
     * @param ba [T, 2 · value heads]
     * @param logRate float32 [value heads]; timeBias likewise
     */
    public static Projected inputs(Tensor qkvz, Tensor ba, Tensor logRate, Tensor timeBias, Heads heads) {
        Tensor[] parts = Script.tensors("delta_inputs", qkvz, ba, logRate, timeBias,
                heads.keyHeads(), heads.valueHeads(), heads.keyDim(), heads.valueDim());
        return new Projected(new Inputs(parts[0], parts[2], parts[3]), parts[1]);
    }

    /**
     * Runs sequences that are laid end to end, each from an empty state.
     *
     * @param convolution [channels, 1, taps]
     * @return [T, value heads, value dim]
     */
    public static Tensor packed(Inputs inputs, Tensor convolution, Heads heads, long[] cuSeqlens) {
        return run(inputs, convolution, heads, cuSeqlens, null).out();
    }

    /** Runs the next rows of one sequence; {@code state} is null at its beginning. */
    public static Result next(Inputs inputs, Tensor convolution, Heads heads, State state) {
        return run(inputs, convolution, heads, new long[] {0, inputs.rows().size(0)}, state);
    }

    private static Result run(Inputs inputs, Tensor convolution, Heads heads, long[] cuSeqlens, State state) {
        Tensor[] parts = Script.tensors("delta_rule", inputs.rows(), convolution, inputs.decay(), inputs.beta(),
                heads.keyHeads(), heads.valueHeads(), heads.keyDim(), heads.valueDim(), cuSeqlens,
                state == null ? null : state.tail(), state == null ? null : state.matrix());
        return new Result(parts[0], new State(parts[1], parts[2]));
    }

    /** Returns the root mean square norm of x, times silu(gate): both [T, heads, d], the product in float32. */
    public static Tensor gatedRmsNorm(Tensor x, Tensor gate, Tensor weight, double eps) {
        return Script.tensor("gated_rms_norm", x, gate, weight, eps);
    }
}
