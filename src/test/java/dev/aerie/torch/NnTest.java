package dev.aerie.torch;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class NnTest {

    @Test
    void linear() {
        NaiveTwin.check(31_000, random -> {
            int rows = 1 + random.nextInt(9);
            int in = 1 + random.nextInt(17);
            int out = 1 + random.nextInt(17);
            return new NaiveTwin(List.of(new long[] {rows, in}, new long[] {out, in}, new long[] {out}),
                    t -> Nn.linear(t[0], t[1], t[2]),
                    x -> NaiveTwin.linear(x[0], x[1], x[2], in));
        });
    }

    @Test
    void embedding() {
        NaiveTwin.check(32_000, random -> {
            int vocabulary = 2 + random.nextInt(9);
            int hidden = 1 + random.nextInt(9);
            // Longer than the vocabulary now and then, so that rows repeat and their gradients add up.
            long[] ids = random.longs(1 + random.nextInt(15), 0, vocabulary).toArray();
            return new NaiveTwin(List.of(new long[] {vocabulary, hidden}),
                    t -> Nn.embedding(Tensor.of(ids, ids.length), t[0]),
                    x -> {
                        double[] y = new double[ids.length * hidden];
                        for (int r = 0; r < ids.length; r++) {
                            System.arraycopy(x[0], (int) ids[r] * hidden, y, r * hidden, hidden);
                        }
                        return y;
                    });
        });
    }

    @Test
    void rmsNorm() {
        double eps = 1e-3;
        NaiveTwin.check(33_000, random -> {
            int rows = 1 + random.nextInt(9);
            int size = 1 + random.nextInt(17);
            return new NaiveTwin(List.of(new long[] {rows, size}, new long[] {size}),
                    t -> Nn.rmsNorm(t[0], t[1], eps),
                    x -> {
                        double[] y = new double[rows * size];
                        for (int r = 0; r < rows; r++) {
                            double squares = 0;
                            for (int i = 0; i < size; i++) {
                                squares += x[0][r * size + i] * x[0][r * size + i];
                            }
                            for (int i = 0; i < size; i++) {
                                y[r * size + i] = x[1][i] * x[0][r * size + i] / Math.sqrt(squares / size + eps);
                            }
                        }
                        return y;
                    });
        });
    }

    @Test
    void rmsNormSumsSquaresInFloat32() {
        try (Scope scope = Scope.open()) {
            // The sum of squares of 4,096 times 200 is beyond float16, and its digits beyond bfloat16.
            Tensor x = Tensor.full(200, DType.F32, Device.CPU, 1, 4096);
            Tensor ones = Tensor.full(1, DType.F32, Device.CPU, 4096);
            for (DType type : List.of(DType.F16, DType.BF16)) {
                Tensor y = Nn.rmsNorm(x.to(type), ones.to(type), 1e-6);
                assertEquals(type, y.dtype());
                assertEquals(1, y.toFloats()[17], 0);
            }
        }
    }

    @Test
    void rotaryEmbedding() {
        NaiveTwin.check(34_000, random -> {
            int rows = 1 + random.nextInt(6);
            int heads = 1 + random.nextInt(4);
            int half = 1 + random.nextInt(6);
            return new NaiveTwin(
                    List.of(new long[] {rows, heads, 2 * half}, new long[] {rows, half}, new long[] {rows, half}),
                    t -> Nn.rotaryEmbedding(t[0], t[1], t[2]),
                    x -> {
                        double[] y = new double[x[0].length];
                        for (int r = 0; r < rows * heads; r++) {
                            for (int j = 0; j < half; j++) {
                                int a = r * 2 * half + j;
                                int angle = r / heads * half + j;
                                y[a] = x[0][a] * x[1][angle] - x[0][a + half] * x[2][angle];
                                y[a + half] = x[0][a + half] * x[1][angle] + x[0][a] * x[2][angle];
                            }
                        }
                        return y;
                    });
        });
    }

    @Test
    void rotaryEmbeddingOfPartOfAHeadInBothForms() {
        for (boolean interleaved : new boolean[] {false, true}) {
            NaiveTwin.check(34_500, random -> {
                int rows = 1 + random.nextInt(6);
                int heads = 1 + random.nextInt(4);
                int half = 1 + random.nextInt(4);
                int d = 2 * half + random.nextInt(4);
                return new NaiveTwin(
                        List.of(new long[] {rows, heads, d}, new long[] {rows, half}, new long[] {rows, half}),
                        t -> interleaved ? Nn.rotaryEmbeddingInterleaved(t[0], t[1], t[2]) : Nn.rotaryEmbedding(t[0], t[1], t[2]),
                        x -> {
                            double[] y = x[0].clone();
                            for (int r = 0; r < rows * heads; r++) {
                                for (int j = 0; j < half; j++) {
                                    int a = r * d + (interleaved ? 2 * j : j);
                                    int b = interleaved ? a + 1 : a + half;
                                    int angle = r / heads * half + j;
                                    y[a] = x[0][a] * x[1][angle] - x[0][b] * x[2][angle];
                                    y[b] = x[0][b] * x[1][angle] + x[0][a] * x[2][angle];
                                }
                            }
                            return y;
                        });
            });
        }
    }

    @Test
    void geluTanhProduct() {
        NaiveTwin.check(35_500, random -> {
            long[] shape = {1 + random.nextInt(5), 1 + random.nextInt(7)};
            return new NaiveTwin(List.of(shape, shape), t -> Nn.geluTanhProduct(t[0], t[1]), x -> {
                double[] y = new double[x[0].length];
                for (int i = 0; i < y.length; i++) {
                    double g = x[0][i];
                    y[i] = 0.5 * g * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (g + 0.044715 * g * g * g))) * x[1][i];
                }
                return y;
            });
        });
    }

    @Test
    void softCapAndSigmoidGate() {
        NaiveTwin.check(35_700, random -> {
            long[] shape = {1 + random.nextInt(5), 1 + random.nextInt(7)};
            return new NaiveTwin(List.of(shape, shape), t -> Nn.sigmoidGate(Nn.softCap(t[0], 1.5), t[1]), x -> {
                double[] y = new double[x[0].length];
                for (int i = 0; i < y.length; i++) {
                    y[i] = 1.5 * Math.tanh(x[0][i] / 1.5) / (1 + Math.exp(-x[1][i]));
                }
                return y;
            });
        });
    }

    @Test
    void aWideNormRoundsOnce() {
        try (Scope scope = Scope.open()) {
            Tensor x = Tensor.randomNormal(7, 3, 5, 64).to(DType.BF16);
            Tensor weight = Tensor.randomNormal(8, 1, 64);
            Tensor exact = Nn.rmsNorm(x.to(DType.F32), weight, 1e-6).to(DType.BF16);
            assertArrayEquals(exact.toFloats(), Nn.rmsNormWide(x, weight, 1e-6).toFloats());
        }
    }

    @Test
    void scaledRows() {
        try (Scope scope = Scope.open()) {
            Tensor x = Tensor.of(new float[] {1, 2, 3, 4, 5, 6, 7, 8}, 2, 2, 2);
            assertArrayEquals(new float[] {2, 4, 6, 8, 15, 18, 21, 24},
                    Nn.scaleRows(x, Tensor.of(new float[] {2, 3}, 2)).toFloats());
        }
    }

    @Test
    void swiGlu() {
        NaiveTwin.check(35_000, random -> {
            int in = 1 + random.nextInt(7);
            int middle = 1 + random.nextInt(9);
            long[] wide = {middle, in};
            return new NaiveTwin(
                    List.of(new long[] {1 + random.nextInt(7), in}, wide, new long[] {middle}, wide, new long[] {middle},
                            new long[] {in, middle}, new long[] {in}),
                    t -> Nn.swiGlu(t[0], t[1], t[2], t[3], t[4], t[5], t[6]),
                    x -> {
                        double[] gate = NaiveTwin.linear(x[0], x[1], x[2], in);
                        double[] up = NaiveTwin.linear(x[0], x[3], x[4], in);
                        for (int i = 0; i < gate.length; i++) {
                            up[i] *= gate[i] / (1 + Math.exp(-gate[i]));
                        }
                        return NaiveTwin.linear(up, x[5], x[6], middle);
                    });
        });
    }

    @Test
    void swiGluWithoutBiasesAddsNone() {
        try (Scope scope = Scope.open()) {
            Random random = new Random(36);
            Tensor x = GradientCheck.tensor(GradientCheck.normal(random, 6), 2, 3);
            Tensor wide = GradientCheck.tensor(GradientCheck.normal(random, 12), 4, 3);
            Tensor down = GradientCheck.tensor(GradientCheck.normal(random, 12), 3, 4);
            Tensor none = Nn.swiGlu(x, wide, wide, down);
            Tensor zero = Nn.swiGlu(x, wide, Tensor.zeros(DType.F64, Device.CPU, 4), wide, null, down,
                    Tensor.zeros(DType.F64, Device.CPU, 3));
            assertArrayEquals(zero.toDoubles(), none.toDoubles(), 1e-14);
        }
    }
}
