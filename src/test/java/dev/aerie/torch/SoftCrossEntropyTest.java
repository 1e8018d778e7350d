package dev.aerie.torch;

import static dev.aerie.torch.GradientCheck.normal;
import static dev.aerie.torch.GradientCheck.tensor;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class SoftCrossEntropyTest {

    private static final long SEED = 4711;
    private static final int HIDDEN = 6;

    @Test
    void agreesWithItsNaiveTwin() {
        for (int round = 0; round < 8; round++) {
            check(new Random(SEED + round), "seed " + (SEED + round));
        }
    }

    private static void check(Random random, String what) {
        int vocabulary = 5 + random.nextInt(40);
        int[] ids = random.ints(0, vocabulary).distinct().limit(1 + random.nextInt(vocabulary)).sorted().toArray();
        int rows = 1 + random.nextInt(5);
        int n = 1 + random.nextInt(9);
        double[] states = normal(random, rows * HIDDEN);
        double[] lmHead = normal(random, vocabulary * HIDDEN);
        double[] logits = normal(random, n * ids.length);
        double[] weight = normal(random, n);
        long[] index = random.longs(n, 0, rows).toArray();
        double softCap = random.nextBoolean() ? 1.5 : 0;
        double[][] z = new double[rows][vocabulary];
        for (int r = 0; r < rows; r++) {
            for (int v = 0; v < vocabulary; v++) {
                for (int c = 0; c < HIDDEN; c++) {
                    z[r][v] += states[r * HIDDEN + c] * lmHead[v * HIDDEN + c];
                }
                z[r][v] = softCap == 0 ? z[r][v] : softCap * Math.tanh(z[r][v] / softCap);
            }
        }
        try (Scope scope = Scope.open()) {
            SoftCrossEntropy.TeacherLogits teacher = SoftCrossEntropy.teacher(
                    tensor(states, rows, HIDDEN), tensor(lmHead, vocabulary, HIDDEN),
                    Tensor.of(Arrays.stream(ids).asLongStream().toArray(), ids.length), ids, 1 + random.nextInt(vocabulary + 3),
                            softCap);
            long[] argMax = teacher.argMax().toLongs();
            double[] full = teacher.logSumExp().toDoubles();
            double[] draft = teacher.draftLogSumExp().toDoubles();
            double[] restricted = teacher.logits().toDoubles();
            for (int r = 0; r < rows; r++) {
                double[] zr = z[r];
                double[] part = Arrays.stream(ids).mapToDouble(v -> zr[v]).toArray();
                assertEquals(argMax(zr), argMax[r], what);
                assertEquals(logSumExp(zr), full[r], 1e-12, what);
                assertEquals(logSumExp(part), draft[r], 1e-12, what);
                assertArrayEquals(part, Arrays.copyOfRange(restricted, r * ids.length, (r + 1) * ids.length), 1e-12, what);
            }

            SoftCrossEntropy.Result result = SoftCrossEntropy.of(
                    tensor(logits, n, ids.length), teacher, Tensor.of(index, n), tensor(weight, n));
            for (int i = 0; i < n; i++) {
                double[] x = Arrays.copyOfRange(logits, i * ids.length, (i + 1) * ids.length);
                double lse = logSumExp(x);
                double acceptance = 0;
                for (int j = 0; j < ids.length; j++) {
                    acceptance += Math.min(Math.exp(x[j] - lse), Math.exp(z[(int) index[i]][ids[j]] - full[(int) index[i]]));
                }
                assertEquals(acceptance, result.acceptance().toDoubles()[i], 1e-12, what);
                assertEquals(argMax(x), result.argMax().toLongs()[i], what);
            }
            assertArrayEquals(losses(logits, z, ids, index), result.loss().toDoubles(), 1e-12, what);
            GradientCheck.check(
                    x -> {
                        double[] loss = losses(x[0], z, ids, index);
                        double sum = 0;
                        for (int i = 0; i < n; i++) {
                            sum += weight[i] * loss[i];
                        }
                        return sum;
                    },
                    new double[][] {logits}, new double[][] {result.gradient().toDoubles()}, random, what);
        }
    }

    private static double[] losses(double[] logits, double[][] z, int[] ids, long[] index) {
        double[] loss = new double[index.length];
        for (int i = 0; i < loss.length; i++) {
            double[] x = Arrays.copyOfRange(logits, i * ids.length, (i + 1) * ids.length);
            double[] teacher = z[(int) index[i]];
            double[] part = Arrays.stream(ids).mapToDouble(v -> teacher[v]).toArray();
            for (int j = 0; j < ids.length; j++) {
                loss[i] -= Math.exp(part[j] - logSumExp(part)) * (x[j] - logSumExp(x));
            }
        }
        return loss;
    }

    private static double logSumExp(double[] x) {
        double max = Arrays.stream(x).max().orElseThrow();
        return max + Math.log(Arrays.stream(x).map(v -> Math.exp(v - max)).sum());
    }

    private static int argMax(double[] x) {
        int best = 0;
        for (int i = 1; i < x.length; i++) {
            if (x[i] > x[best]) {
                best = i;
            }
        }
        return best;
    }
}
