package dev.aerie.torch;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.aerie.torch.GatedDeltaRule.Heads;
import dev.aerie.torch.GatedDeltaRule.Inputs;
import dev.aerie.torch.GatedDeltaRule.Result;
import dev.aerie.torch.GatedDeltaRule.State;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The chunked form against the recurrence itself in float64. */
class GatedDeltaRuleTest {

    private static final Heads HEADS = new Heads(2, 4, 8, 6);
    private static final int TAPS = 4;

    private static Inputs inputs(long seed, int rows) {
        float[] decay = Tensor.randomNormal(seed + 1, 1, rows, HEADS.valueHeads()).toFloats();
        float[] beta = Tensor.randomNormal(seed + 2, 1, rows, HEADS.valueHeads()).toFloats();
        for (int i = 0; i < decay.length; i++) {
            // From almost nothing to almost everything forgotten at a token.
            decay[i] = (float) -Math.exp(2 * decay[i] - 2);
            beta[i] = (float) (1 / (1 + Math.exp(-beta[i])));
        }
        return new Inputs(Tensor.randomNormal(seed, 1, rows, HEADS.channels()),
                Tensor.of(decay, rows, HEADS.valueHeads()), Tensor.of(beta, rows, HEADS.valueHeads()));
    }

    private static Tensor convolution() {
        return Tensor.randomNormal(9, 0.5, HEADS.channels(), 1, TAPS);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 5, 63, 64, 65, 128, 200, 1024, 1100, 2100})
    void chunksGiveWhatTheRecurrenceGives(int rows) {
        try (Scope scope = Scope.open()) {
            Inputs inputs = inputs(rows, rows);
            Tensor convolution = convolution();
            assertClose(recurrence(inputs, convolution, 0, rows),
                    GatedDeltaRule.packed(inputs, convolution, HEADS, new long[] {0, rows}).toDoubles());
        }
    }

    @Test
    void packedSequencesDoNotSeeEachOther() {
        try (Scope scope = Scope.open()) {
            Inputs inputs = inputs(3, 150);
            Tensor convolution = convolution();
            Tensor out = GatedDeltaRule.packed(inputs, convolution, HEADS, new long[] {0, 2, 80, 150});
            assertArrayEquals(new long[] {150, 4, 6}, out.shape());
            assertClose(recurrence(inputs, convolution, 0, 2), out.narrow(0, 0, 2).toDoubles());
            assertClose(recurrence(inputs, convolution, 2, 80), out.narrow(0, 2, 78).toDoubles());
            assertClose(recurrence(inputs, convolution, 80, 150), out.narrow(0, 80, 70).toDoubles());
        }
    }

    @Test
    void aSequenceGoesOnFromItsState() {
        try (Scope scope = Scope.open()) {
            Inputs inputs = inputs(4, 100);
            Tensor convolution = convolution();
            double[] expected = recurrence(inputs, convolution, 0, 100);
            State state = null;
            int at = 0;
            int width = HEADS.valueHeads() * HEADS.valueDim();
            for (int block : new int[] {1, 2, 1, 70, 26}) {
                Result result = GatedDeltaRule.next(inputs.narrow(at, block), convolution, HEADS, state);
                double[] part = java.util.Arrays.copyOfRange(expected, at * width, (at + block) * width);
                assertClose(part, result.out().toDoubles());
                state = result.state();
                at += block;
            }
        }
    }

    @Test
    void bfloat16IsNear() {
        try (Scope scope = Scope.open()) {
            Inputs inputs = inputs(5, 90);
            Tensor convolution = convolution();
            double[] expected = recurrence(inputs, convolution, 0, 90);
            Tensor out = GatedDeltaRule.packed(new Inputs(inputs.rows().to(DType.BF16), inputs.decay(), inputs.beta()),
                    convolution.to(DType.BF16), HEADS, new long[] {0, 90});
            assertEquals(DType.BF16, out.dtype());
            assertTrue(error(expected, out.toDoubles()) < 0.03);
        }
    }

    @Test
    void projectionsAreGroupedByKeyHead() {
        Heads heads = new Heads(2, 4, 1, 1);
        try (Scope scope = Scope.open()) {
            // Of each key head: query, key, two values, two gates; two betas, two time steps.
            Tensor qkvz = Tensor.of(new float[] {1, 2, 3, 4, 5, 6, 11, 12, 13, 14, 15, 16}, 1, 12);
            Tensor ba = Tensor.of(new float[] {0, 0, 7, 8, 0, 0, 17, 18}, 1, 8);
            GatedDeltaRule.Projected p = GatedDeltaRule.inputs(
                    qkvz, ba, Tensor.of(new float[4], 4), Tensor.of(new float[] {1, 1, 2, 2}, 4), heads);
            assertArrayEquals(new float[] {1, 11, 2, 12, 3, 4, 13, 14}, p.inputs().rows().toFloats());
            assertArrayEquals(new float[] {5, 6, 15, 16}, p.gate().toFloats());
            assertArrayEquals(new float[] {0.5f, 0.5f, 0.5f, 0.5f}, p.inputs().beta().toFloats());
            float[] decay = p.inputs().decay().toFloats();
            double[] steps = {8, 9, 19, 20};
            for (int i = 0; i < 4; i++) {
                assertEquals(-Math.log1p(Math.exp(steps[i])), decay[i], 1e-4);
            }
        }
    }

    /** One sequence, token by token. */
    private static double[] recurrence(Inputs inputs, Tensor convolution, int from, int to) {
        double[] x = inputs.rows().toDoubles();
        double[] w = convolution.toDoubles();
        double[] decay = inputs.decay().toDoubles();
        double[] beta = inputs.beta().toDoubles();
        int channels = HEADS.channels();
        int dk = HEADS.keyDim();
        int dv = HEADS.valueDim();
        int vh = HEADS.valueHeads();
        double[] out = new double[(to - from) * vh * dv];
        double[][][] state = new double[vh][dk][dv];
        for (int t = from; t < to; t++) {
            double[] c = new double[channels];
            for (int i = 0; i < channels; i++) {
                double sum = 0;
                for (int j = 0; j < TAPS; j++) {
                    int row = t - TAPS + 1 + j;
                    sum += row < from ? 0 : w[i * TAPS + j] * x[row * channels + i];
                }
                c[i] = sum / (1 + Math.exp(-sum));
            }
            for (int h = 0; h < vh; h++) {
                int keyHead = h / (vh / HEADS.keyHeads());
                double[] q = unit(c, keyHead * dk);
                double[] k = unit(c, (HEADS.keyHeads() + keyHead) * dk);
                double kept = Math.exp(decay[t * vh + h]);
                for (int j = 0; j < dv; j++) {
                    double answer = 0;
                    for (int i = 0; i < dk; i++) {
                        state[h][i][j] *= kept;
                        answer += state[h][i][j] * k[i];
                    }
                    double error = c[2 * HEADS.keyHeads() * dk + h * dv + j] - answer;
                    double read = 0;
                    for (int i = 0; i < dk; i++) {
                        state[h][i][j] += k[i] * error * beta[t * vh + h];
                        read += state[h][i][j] * q[i];
                    }
                    out[((t - from) * vh + h) * dv + j] = read / Math.sqrt(dk);
                }
            }
        }
        return out;
    }

    private static double[] unit(double[] c, int start) {
        double[] out = java.util.Arrays.copyOfRange(c, start, start + HEADS.keyDim());
        double length = Math.sqrt(java.util.Arrays.stream(out).map(x -> x * x).sum() + 1e-6);
        return java.util.Arrays.stream(out).map(x -> x / length).toArray();
    }

    private static double error(double[] expected, double[] actual) {
        assertEquals(expected.length, actual.length);
        double largest = 0;
        double error = 0;
        for (int i = 0; i < expected.length; i++) {
            largest = Math.max(largest, Math.abs(expected[i]));
            error = Math.max(error, Math.abs(expected[i] - actual[i]));
        }
        return error / largest;
    }

    private static void assertClose(double[] expected, double[] actual) {
        double error = error(expected, actual);
        // A token here may keep exp(-50): sums of such exponents over a chunk have no more digits in float32.
        assertTrue(error < 1e-5, "error " + error);
    }
}
