package dev.aerie.torch;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import java.util.List;
import java.util.Random;
import java.util.function.IntUnaryOperator;
import org.junit.jupiter.api.Test;

class AttentionTest {

    private static final double SCALE = 0.3;

    /** Heads and dimensions of one case, and which keys [from, to) a row sees. */
    private record Shapes(int heads, int kvHeads, int d, IntUnaryOperator from, IntUnaryOperator to) {

        static Shapes random(Random random, IntUnaryOperator from, IntUnaryOperator to) {
            int kvHeads = 1 + random.nextInt(3);
            return new Shapes(kvHeads * (1 + random.nextInt(3)), kvHeads, 1 + random.nextInt(9), from, to);
        }

        double[] naive(double[] q, double[] k, double[] v) {
            double[] out = new double[q.length];
            for (int row = 0; row < q.length / (heads * d); row++) {
                for (int head = 0; head < heads; head++) {
                    int at = (row * heads + head) * d;
                    double total = 0;
                    for (int t = from.applyAsInt(row); t < to.applyAsInt(row); t++) {
                        int key = (t * kvHeads + head / (heads / kvHeads)) * d;
                        double score = 0;
                        for (int i = 0; i < d; i++) {
                            score += q[at + i] * k[key + i];
                        }
                        double weight = Math.exp(SCALE * score);
                        total += weight;
                        for (int i = 0; i < d; i++) {
                            out[at + i] += weight * v[key + i];
                        }
                    }
                    for (int i = 0; i < d; i++) {
                        out[at + i] /= total;
                    }
                }
            }
            return out;
        }
    }

    @Test
    void causalWithinEachSequence() {
        NaiveTwin.check(41_000, random -> {
            long[] ends = new long[2 + random.nextInt(4)];
            for (int i = 1; i < ends.length; i++) {
                ends[i] = ends[i - 1] + 1 + random.nextInt(20);
            }
            int rows = (int) ends[ends.length - 1];
            Shapes s = Shapes.random(random, row -> startOf(row, ends), row -> row + 1);
            long[] keys = {rows, s.kvHeads, s.d};
            return new NaiveTwin(
                    List.of(new long[] {rows, s.heads, s.d}, keys, keys),
                    t -> Attention.causal(t[0], t[1], t[2], ends, SCALE),
                    x -> s.naive(x[0], x[1], x[2]));
        });
    }

    private static int startOf(int row, long[] ends) {
        int start = 0;
        for (long end : ends) {
            start = end <= row ? (int) end : start;
        }
        return start;
    }

    @Test
    void cachedRowsSeeAllUpToThemselves() {
        NaiveTwin.check(42_000, random -> {
            int before = random.nextInt(20);
            int rows = random.nextBoolean() ? 1 : 1 + random.nextInt(9);
            Shapes s = Shapes.random(random, row -> 0, row -> before + row + 1);
            long[] keys = {before + rows, s.kvHeads, s.d};
            return new NaiveTwin(List.of(new long[] {rows, s.heads, s.d}, keys, keys),
                    t -> Attention.cached(t[0], t[1], t[2], SCALE),
                    x -> s.naive(x[0], x[1], x[2]));
        });
    }

    @Test
    void appendWritesBehindWhatIsThere() {
        try (Scope scope = Scope.open()) {
            Tensor cache = Tensor.zeros(DType.F32, Device.CPU, 5, 1, 2);
            Attention.append(cache, Tensor.of(new float[] {1, 2, 3, 4}, 2, 1, 2), 0);
            Tensor view = Attention.append(cache, Tensor.of(new float[] {5, 6}, 1, 1, 2), 1);
            assertArrayEquals(new float[] {1, 2, 5, 6}, view.toFloats());
            assertArrayEquals(new float[] {1, 2, 5, 6, 0, 0, 0, 0, 0, 0}, cache.toFloats());
        }
    }
}
