package dev.aerie.target.layer;

import dev.aerie.torch.Attention;
import dev.aerie.torch.GatedDeltaRule;
import dev.aerie.torch.Tensor;
import java.util.Arrays;

/** The keys and values that the rows of one forward pass attend to. */
public interface KeyValues {

    /**
     * @param layer index of the layer
     * @param q [T, heads, d]
     * @param k [T, kv heads, d], of the same rows
     * @param v [T, kv heads, dv], of the same rows
     * @return [T, heads, dv]
     */
    Tensor attend(int layer, Tensor q, Tensor k, Tensor v, Attention.Options options);

    /**
     * Runs linear attention over the same rows.
     *
     * @param convolution [channels, 1, taps]
     * @return [T, value heads, value dim]
     */
    Tensor linearAttention(int layer, GatedDeltaRule.Inputs inputs, Tensor convolution, GatedDeltaRule.Heads heads);

    /**
     * Returns the length of each row's sequence up to and including the rows of this pass, which some rotary embeddings depend
     * on.
     *
     * @param positions of the rows in their sequences
     */
    long[] lengths(long[] positions);

    /** Concatenated sequences, each of which attends causally to itself. */
    record Packed(long[] cuSeqlens) implements KeyValues {

        public Packed {
            boolean rising = cuSeqlens.length > 1 && cuSeqlens[0] == 0;
            for (int i = 1; rising && i < cuSeqlens.length; i++) {
                rising = cuSeqlens[i] > cuSeqlens[i - 1];
            }
            if (!rising) {
                throw new IllegalArgumentException("Invalid cuSeqlens: " + Arrays.toString(cuSeqlens)
                        + " (expected 0, then the rising end of each sequence)");
            }
        }

        /** Returns the positions of the rows, from 0 in each sequence. */
        public long[] positions() {
            long[] out = new long[Math.toIntExact(cuSeqlens[cuSeqlens.length - 1])];
            for (int s = 1; s < cuSeqlens.length; s++) {
                for (long t = cuSeqlens[s - 1]; t < cuSeqlens[s]; t++) {
                    out[(int) t] = t - cuSeqlens[s - 1];
                }
            }
            return out;
        }

        @Override
        public long[] lengths(long[] positions) {
            long[] out = new long[positions.length];
            for (int s = 1; s < cuSeqlens.length; s++) {
                Arrays.fill(out, (int) cuSeqlens[s - 1], (int) cuSeqlens[s], cuSeqlens[s] - cuSeqlens[s - 1]);
            }
            return out;
        }

        @Override
        public Tensor attend(int layer, Tensor q, Tensor k, Tensor v, Attention.Options options) {
            return Attention.causal(q, k, v, cuSeqlens, options);
        }

        @Override
        public Tensor linearAttention(int layer, GatedDeltaRule.Inputs inputs, Tensor convolution, GatedDeltaRule.Heads heads) {
            return GatedDeltaRule.packed(inputs, convolution, heads, cuSeqlens);
        }
    }
}
