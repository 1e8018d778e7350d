package dev.aerie.torch;

import static dev.aerie.torch.GradientCheck.normal;
import static dev.aerie.torch.GradientCheck.tensor;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class OptimizerTest {

    private static final long SEED = 11;

    private final Random random = new Random(SEED);

    @Test
    void adamWAgreesWithItsNaiveTwin() {
        int n = 1 + random.nextInt(40);
        double[] p = normal(random, n);
        double[] m = new double[n];
        double[] v = new double[n];
        Optimizer.AdamW settings = new Optimizer.AdamW(0.9, 0.95, 1e-8, 0.1);
        try (Scope scope = Scope.open()) {
            Tensor parameter = tensor(p, n);
            Tensor mean = tensor(m, n);
            Tensor variance = tensor(v, n);
            for (int step = 1; step <= 5; step++) {
                double rate = 0.01 / step;
                double[] g = normal(random, n);
                for (int i = 0; i < n; i++) {
                    m[i] = 0.9 * m[i] + 0.1 * g[i];
                    v[i] = 0.95 * v[i] + 0.05 * g[i] * g[i];
                    p[i] -= rate * 0.1 * p[i];
                    p[i] -= rate * (m[i] / (1 - Math.pow(0.9, step)))
                            / (Math.sqrt(v[i]) / Math.sqrt(1 - Math.pow(0.95, step)) + 1e-8);
                }
                Optimizer.adamW(parameter, tensor(g, n), mean, variance, settings, rate, step);
            }
            assertArrayEquals(p, parameter.toDoubles(), 1e-12, "seed " + SEED);
            assertThrows(IllegalArgumentException.class, () ->
                    Optimizer.adamW(parameter, parameter, mean, variance, settings, 0.1, 0));
        }
    }

    @Test
    void adamWChangesASliceAndNothingBesideIt() {
        try (Scope scope = Scope.open()) {
            Tensor p = Tensor.of(new float[] {1, 1, 1, 1}, 4);
            Tensor one = Tensor.of(new float[] {1, 1}, 2);
            Optimizer.adamW(p.narrow(0, 1, 2), one, Tensor.zeros(DType.F32, Device.CPU, 2),
                    Tensor.zeros(DType.F32, Device.CPU, 2), Optimizer.AdamW.withDecay(0), 0.5, 1);
            assertArrayEquals(new float[] {1, 0.5f, 0.5f, 1}, p.toFloats(), 1e-6f);
        }
        assertEquals("Invalid beta2: 1.0 (expected 0 to 1, 1 excluded)",
                assertThrows(IllegalArgumentException.class, () -> new Optimizer.AdamW(0.9, 1, 1e-8, 0)).getMessage());
    }

    @Test
    void globalNormCoversManyPieces() {
        try (Scope scope = Scope.open()) {
            int n = (1 << 22) + 12;
            assertEquals(2 * Math.sqrt(n), Optimizer.globalNorm(List.of(Tensor.full(2, DType.F32, Device.CPU, n))), 1e-9);
            assertEquals(0, Optimizer.globalNorm(List.of(Tensor.zeros(DType.F32, Device.CPU, 0))));
        }
    }

    @Test
    void globalNormIsOfAllTensorsTogether() {
        double[] a = normal(random, 7);
        double[] b = normal(random, 12);
        double sum = Arrays.stream(a).map(x -> x * x).sum() + Arrays.stream(b).map(x -> x * x).sum();
        try (Scope scope = Scope.open()) {
            assertEquals(Math.sqrt(sum), Optimizer.globalNorm(List.of(tensor(a, 7), tensor(b, 3, 4))), 1e-12, "seed " + SEED);
        }
    }

    @Test
    void crossEntropyAgreesWithItsNaiveTwin() {
        int rows = 2 + random.nextInt(5);
        int vocabulary = 2 + random.nextInt(9);
        double[] logits = normal(random, rows * vocabulary);
        long[] ids = random.longs(rows, 0, vocabulary).toArray();
        ids[0] = Autograd.IGNORED;
        try (Scope scope = Scope.open(); Autograd.Recording recording = Autograd.recording()) {
            Tensor x = Autograd.leaf(tensor(logits, rows, vocabulary));
            Tensor loss = Autograd.crossEntropy(x, Tensor.of(ids, rows));
            assertEquals(crossEntropy(logits, ids, vocabulary), loss.item(), 1e-12, "seed " + SEED);
            double[] gradient = Autograd.grad(List.of(loss), List.of(tensor(new double[] {1}, new long[0])),
                    List.of(x))[0].toDoubles();
            GradientCheck.check(in -> crossEntropy(in[0], ids, vocabulary), new double[][] {logits}, new double[][] {gradient},
                    random,
                    "seed " + SEED);
        }
    }

    private static double crossEntropy(double[] logits, long[] ids, int vocabulary) {
        double sum = 0;
        int counted = 0;
        for (int r = 0; r < ids.length; r++) {
            if (ids[r] != Autograd.IGNORED) {
                double[] row = Arrays.copyOfRange(logits, r * vocabulary, (r + 1) * vocabulary);
                sum += Math.log(Arrays.stream(row).map(Math::exp).sum()) - row[(int) ids[r]];
                counted++;
            }
        }
        return sum / counted;
    }
}
