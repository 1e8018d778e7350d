package dev.aerie.torch;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import java.util.Arrays;
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

    /** Random options on random shapes, values of another head dimension among them, in plain loops. */
    private record Sight(int heads, int kvHeads, int d, int dv, Attention.Options options, double[] sinks) {

        static Sight random(Random random) {
            int kvHeads = 1 + random.nextInt(3);
            int heads = kvHeads * (1 + random.nextInt(3));
            int d = 1 + random.nextInt(9);
            double[] sinks = random.nextBoolean() ? GradientCheck.normal(random, heads) : null;
            return new Sight(heads, kvHeads, d, random.nextBoolean() ? d : 1 + random.nextInt(9),
                    new Attention.Options(SCALE, random.nextBoolean() ? 1 + random.nextInt(9) : 0,
                            random.nextBoolean() ? 1 + random.nextInt(9) : 0, random.nextBoolean() ? 0.7 : 0,
                            sinks == null ? null : GradientCheck.tensor(sinks, new long[] {heads})),
                    sinks);
        }

        /** Row r of q is at position first + r of one sequence, whose keys and values are k and v. */
        double[] naive(double[] q, int first, double[] k, double[] v) {
            int rows = q.length / (heads * d);
            double[] out = new double[rows * heads * dv];
            for (int row = 0; row < rows; row++) {
                for (int head = 0; head < heads; head++) {
                    double total = sinks == null ? 0 : Math.exp(sinks[head]);
                    int at = (row * heads + head) * dv;
                    for (int s = 0; s <= first + row; s++) {
                        if (sees(first + row, s)) {
                            int key = s * kvHeads + head / (heads / kvHeads);
                            double weight = Math.exp(score(q, (row * heads + head) * d, k, key * d));
                            total += weight;
                            for (int i = 0; i < dv; i++) {
                                out[at + i] += weight * v[key * dv + i];
                            }
                        }
                    }
                    for (int i = 0; i < dv; i++) {
                        out[at + i] /= total;
                    }
                }
            }
            return out;
        }

        private boolean sees(int row, int key) {
            return (options.window() == 0 || key > row - options.window())
                    && (options.chunk() == 0 || key / options.chunk() == row / options.chunk());
        }

        private double score(double[] q, int at, double[] k, int key) {
            double dot = 0;
            for (int i = 0; i < d; i++) {
                dot += q[at + i] * k[key + i];
            }
            return options.softCap() == 0 ? SCALE * dot : options.softCap() * Math.tanh(SCALE * dot / options.softCap());
        }
    }

    @Test
    void everyOptionPacked() {
        for (long seed = 43_000; seed < 43_200; seed++) {
            Random random = new Random(seed);
            try (Scope scope = Scope.open()) {
                Sight s = Sight.random(random);
                long[] ends = new long[2 + random.nextInt(4)];
                for (int i = 1; i < ends.length; i++) {
                    ends[i] = ends[i - 1] + 1 + random.nextInt(20);
                }
                int rows = (int) ends[ends.length - 1];
                double[] q = GradientCheck.normal(random, rows * s.heads * s.d);
                double[] k = GradientCheck.normal(random, rows * s.kvHeads * s.d);
                double[] v = GradientCheck.normal(random, rows * s.kvHeads * s.dv);
                double[] expected = new double[rows * s.heads * s.dv];
                for (int i = 1; i < ends.length; i++) {
                    double[] part = s.naive(part(q, ends, i, s.heads * s.d), 0, part(k, ends, i, s.kvHeads * s.d),
                            part(v, ends, i, s.kvHeads * s.dv));
                    System.arraycopy(part, 0, expected, (int) ends[i - 1] * s.heads * s.dv, part.length);
                }
                Tensor actual = Attention.causal(GradientCheck.tensor(q, new long[] {rows, s.heads, s.d}),
                        GradientCheck.tensor(k, new long[] {rows, s.kvHeads, s.d}),
                        GradientCheck.tensor(v, new long[] {rows, s.kvHeads, s.dv}), ends, s.options);
                assertArrayEquals(new long[] {rows, s.heads, s.dv}, actual.shape());
                assertArrayEquals(expected, actual.toDoubles(), 1e-11, "seed " + seed + ", " + s.options);
            }
        }
    }

    private static double[] part(double[] x, long[] ends, int i, int width) {
        return Arrays.copyOfRange(x, (int) ends[i - 1] * width, (int) ends[i] * width);
    }

    @Test
    void everyOptionCached() {
        for (long seed = 44_000; seed < 44_200; seed++) {
            Random random = new Random(seed);
            try (Scope scope = Scope.open()) {
                Sight s = Sight.random(random);
                int before = random.nextInt(20);
                int rows = random.nextBoolean() ? 1 : 1 + random.nextInt(12);
                int total = before + rows;
                double[] q = GradientCheck.normal(random, rows * s.heads * s.d);
                double[] k = GradientCheck.normal(random, total * s.kvHeads * s.d);
                double[] v = GradientCheck.normal(random, total * s.kvHeads * s.dv);
                Tensor actual = Attention.cached(GradientCheck.tensor(q, new long[] {rows, s.heads, s.d}),
                        GradientCheck.tensor(k, new long[] {total, s.kvHeads, s.d}),
                        GradientCheck.tensor(v, new long[] {total, s.kvHeads, s.dv}), s.options);
                assertArrayEquals(new long[] {rows, s.heads, s.dv}, actual.shape());
                assertArrayEquals(s.naive(q, before, k, v), actual.toDoubles(), 1e-11, "seed " + seed + ", " + s.options);
            }
        }
    }

    @Test
    void blocksOfRowsJoin() {
        try (Scope scope = Scope.open()) {
            Random random = new Random(45_000);
            for (double softCap : new double[] {0, 2}) {
                Sight s = new Sight(2, 1, 4, 4, new Attention.Options(SCALE, 700, 0, softCap, null), null);
                double[] q = GradientCheck.normal(random, 1300 * 8);
                double[] k = GradientCheck.normal(random, 1300 * 4);
                double[] v = GradientCheck.normal(random, 1300 * 4);
                Tensor actual = Attention.causal(GradientCheck.tensor(q, new long[] {1300, 2, 4}),
                        GradientCheck.tensor(k, new long[] {1300, 1, 4}), GradientCheck.tensor(v, new long[] {1300, 1, 4}),
                        new long[] {0, 1300}, s.options);
                assertArrayEquals(s.naive(q, 0, k, v), actual.toDoubles(), 1e-11);
                Sight all = new Sight(2, 1, 4, 4, Attention.Options.of(SCALE), null);
                double[] newest = Arrays.copyOfRange(q, 700 * 8, 1300 * 8);
                Tensor cached = Attention.cached(GradientCheck.tensor(newest, new long[] {600, 2, 4}),
                        GradientCheck.tensor(k, new long[] {1300, 1, 4}), GradientCheck.tensor(v, new long[] {1300, 1, 4}),
                        all.options);
                assertArrayEquals(all.naive(newest, 700, k, v), cached.toDoubles(), 1e-11);
            }
        }
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
