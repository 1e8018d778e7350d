package dev.aerie.torch;

/**
 * Linear attention by the gated delta rule (Yang et al., 2024, arXiv 2412.06464). Each head keeps a matrix that maps keys to
 * values; at every token the matrix decays and the value that it gives for the token's key is corrected. Memory and time are
 * linear in the tokens.
 *
 * <p>Keys, queries and values first pass through a short causal convolution and SiLU; queries and keys are normalised to length
 * one. The state is float32 whatever the compute type.
 */
public final class GatedDeltaRule {

    private GatedDeltaRule() {}

    /**
     * Sizes of a layer; consecutive value heads share a key head.
     *
     * @param valueHeads a multiple of keyHeads
     */
    public record Heads(int keyHeads, int valueHeads, int keyDim, int valueDim) {

        /** Returns the number of columns that the convolution runs over: those of queries, keys and values. */
        public int channels() {
            return 2 * keyHeads * keyDim + valueHeads * valueDim;
        }
    }

    /**
     * The inputs of the rule.
     *
     * @param rows [T, channels], before the convolution
     * @param decay float32 [T, value heads], the logarithm of the share of the state that is kept
     * @param beta float32 [T, value heads], the share of the error that is corrected
     */
    public record Inputs(Tensor rows, Tensor decay, Tensor beta) {

        public Inputs narrow(long start, long length) {
            return new Inputs(rows.narrow(0, start, length), decay.narrow(0, start, length), beta.narrow(0, start, length));
        }
    }

    /** The inputs, and the gate [T, value heads, value dim] of the output. */
    public record Projected(Inputs inputs, Tensor gate) {}

    /**
     * The state of a sequence after some of its tokens.
     *
     * @param tail [taps − 1, channels], the last rows, which the convolution reads again
     * @param matrix float32 [value heads, key dim, value dim]
     */
    public record State(Tensor tail, Tensor matrix) {}

    /**
     * @param out [T, value heads, value dim]
     * @param state the state after the last row
     */
    public record Result(Tensor out, State state) {}

    /**
     * Splits the two projections in the layout of Qwen3-Next, which groups them by key head.
     *
     * @param qkvz [T, channels + value heads · value dim]
     * @param ba [T, 2 · value heads]
     * @param logRate float32 [value heads]
     * @param timeBias float32 [value heads]
     */
    public static Projected inputs(Tensor qkvz, Tensor ba, Tensor logRate, Tensor timeBias, Heads heads) {
        Tensor[] parts = Script.tensors("delta_inputs", qkvz, ba, logRate, timeBias,
                heads.keyHeads(), heads.valueHeads(), heads.keyDim(), heads.valueDim());
        return new Projected(new Inputs(parts[0], parts[2], parts[3]), parts[1]);
    }

    /**
     * Runs concatenated sequences, each from an empty state.
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
