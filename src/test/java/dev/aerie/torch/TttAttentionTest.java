package dev.aerie.torch;

import static dev.aerie.torch.GradientCheck.normal;
import static dev.aerie.torch.GradientCheck.tensor;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class TttAttentionTest {

    private static final int D = 8;

    /** Shapes of one case: sequences laid end to end, blocks of query rows in them. */
    private record Shapes(int total, int rows, int heads, int kvHeads, int steps, long[] blocks) {

        static Shapes random(Random random) {
            int sequences = 1 + random.nextInt(3);
            long[] blocks = new long[0];
            int total = 0;
            int rows = 0;
            for (int s = 0; s < sequences; s++) {
                int length = 3 + random.nextInt(70);
                int at = 0;
                while (at < length) {
                    int first = Math.min(length - 1, at + (random.nextBoolean() ? 0 : random.nextInt(length)));
                    int end = first + 1 + random.nextInt(length - first);
                    blocks = Arrays.copyOf(blocks, blocks.length + 3);
                    blocks[blocks.length - 3] = total;
                    blocks[blocks.length - 2] = total + first;
                    blocks[blocks.length - 1] = total + end;
                    rows += end - first;
                    at = end;
                }
                total += length;
            }
            int kvHeads = 1 + random.nextInt(3);
            return new Shapes(total, rows, kvHeads * (1 + random.nextInt(3)), kvHeads, random.nextInt(5), blocks);
        }
    }

    @Test
    void agreesWithItsNaiveTwin() {
        long seed = 20251;
        for (int round = 0; round < 12; round++) {
            check(new Random(seed + round), "seed " + (seed + round));
        }
    }

    private static void check(Random random, String what) {
        Shapes s = Shapes.random(random);
        double scale = 1 / Math.sqrt(D);
        double[][] in = {
            normal(random, s.rows * s.heads * D),
            normal(random, s.total * s.kvHeads * D), normal(random, s.total * s.kvHeads * D),
            normal(random, s.rows * s.kvHeads * s.steps * D), normal(random, s.rows * s.kvHeads * s.steps * D)};
        double[] weights = normal(random, s.rows * s.heads * D);
        try (Scope scope = Scope.open()) {
            Tensor q = tensor(in[0], s.rows, s.heads, D);
            var context = new TttAttention.Context(
                    TttAttention.expand(tensor(in[1], s.total, s.kvHeads, D), s.heads),
                    TttAttention.expand(tensor(in[2], s.total, s.kvHeads, D), s.heads), s.blocks);
            long n = (long) s.rows * s.kvHeads;
            var own = new TttAttention.StepKeys(tensor(in[3], n, s.steps, D), tensor(in[4], n, s.steps, D));
            TttAttention.Result result = TttAttention.forward(q, context, own, scale);
            double[] expected = naive(s, in, scale);
            assertArrayEquals(expected, result.output().toDoubles(), 1e-12, what);

            var contextGradient = new TttAttention.Context(zeros(s.total, s.heads), zeros(s.total, s.heads), s.blocks);
            var stepGradient = new TttAttention.StepKeys(
                    Tensor.zeros(DType.F64, Device.CPU, n, s.steps, D), Tensor.zeros(DType.F64, Device.CPU, n, s.steps, D));
            Tensor dq = TttAttention.backward(tensor(weights, s.rows, s.heads, D), q, result, context, own, scale,
                    contextGradient, stepGradient);
            double[][] gradients = {
                dq.toDoubles(), TttAttention.fold(contextGradient.keys(), s.kvHeads).toDoubles(),
                TttAttention.fold(contextGradient.values(), s.kvHeads).toDoubles(), stepGradient.keys().toDoubles(),
                stepGradient.values().toDoubles()};
            GradientCheck.check(x -> dot(naive(s, x, scale), weights), in, gradients, random, what);
        }
    }

    private static Tensor zeros(long total, long heads) {
        return Tensor.zeros(DType.F64, Device.CPU, total, heads, D);
    }

    /** One softmax over the keys of step 0 up to the row and the row's step keys of the later steps. */
    private static double[] naive(Shapes s, double[][] in, double scale) {
        double[] out = new double[s.rows * s.heads * D];
        int group = s.heads / s.kvHeads;
        int row = 0;
        for (int b = 0; b < s.blocks.length; b += 3) {
            for (long t = s.blocks[b + 1]; t < s.blocks[b + 2]; t++, row++) {
                int keys = (int) (t - s.blocks[b] + 1);
                for (int h = 0; h < s.heads; h++) {
                    int kv = h / group;
                    double[] p = new double[keys + s.steps];
                    int[] key = new int[p.length];
                    double max = Double.NEGATIVE_INFINITY;
                    for (int j = 0; j < p.length; j++) {
                        key[j] = j < keys
                                ? (int) (s.blocks[b] + j) * s.kvHeads + kv
                                : (row * s.kvHeads + kv) * s.steps + j - keys;
                        for (int c = 0; c < D; c++) {
                            p[j] += scale * in[0][(row * s.heads + h) * D + c] * in[j < keys ? 1 : 3][key[j] * D + c];
                        }
                        max = Math.max(max, p[j]);
                    }
                    double sum = 0;
                    for (int j = 0; j < p.length; j++) {
                        p[j] = Math.exp(p[j] - max);
                        sum += p[j];
                    }
                    for (int j = 0; j < p.length; j++) {
                        for (int c = 0; c < D; c++) {
                            out[(row * s.heads + h) * D + c] += p[j] / sum * in[j < keys ? 2 : 4][key[j] * D + c];
                        }
                    }
                }
            }
        }
        return out;
    }

    private static double dot(double[] a, double[] b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += a[i] * b[i];
        }
        return sum;
    }
}
