package dev.aerie.torch;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.Function;

/** An operator against the same mathematics in plain loops: result and gradient of every argument, in float64. */
record NaiveTwin(List<long[]> shapes, Function<Tensor[], Tensor> operator, Function<double[][], double[]> naive) {

    static final int ROUNDS = 10;

    /** A fresh case for each seed, each of other random shapes. */
    static void check(long firstSeed, Function<Random, NaiveTwin> cases) {
        for (long seed = firstSeed; seed < firstSeed + ROUNDS; seed++) {
            Random random = new Random(seed);
            cases.apply(random).check(random, "seed " + seed);
        }
    }

    private void check(Random random, String what) {
        double[][] inputs = shapes.stream()
                .map(s -> GradientCheck.normal(random, (int) Arrays.stream(s).reduce(1, (a, b) -> a * b)))
                .toArray(double[][]::new);
        String label = what + ", shapes " + Arrays.deepToString(shapes.toArray());
        try (Scope scope = Scope.open(); Autograd.Recording recording = Autograd.recording()) {
            List<Tensor> leaves = new ArrayList<>();
            for (int i = 0; i < inputs.length; i++) {
                leaves.add(Autograd.leaf(GradientCheck.tensor(inputs[i], shapes.get(i))));
            }
            Tensor result = operator.apply(leaves.toArray(Tensor[]::new));
            double[] expected = naive.apply(inputs);
            double[] actual = result.toDoubles();
            assertEquals(expected.length, actual.length, label);
            for (int i = 0; i < expected.length; i++) {
                assertEquals(expected[i], actual[i], 1e-11 * (1 + Math.abs(expected[i])), label + ", element " + i);
            }
            double[] weights = GradientCheck.normal(random, expected.length);
            Tensor[] gradients = Autograd.grad(List.of(result), List.of(GradientCheck.tensor(weights, result.shape())), leaves);
            GradientCheck.check(x -> dot(naive.apply(x), weights), inputs,
                    Arrays.stream(gradients).map(Tensor::toDoubles).toArray(double[][]::new), random, label);
        }
    }

    static double dot(double[] a, double[] b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += a[i] * b[i];
        }
        return sum;
    }

    /** x [rows, in] times weight [out, in] transposed, plus bias [out] unless null. */
    static double[] linear(double[] x, double[] weight, double[] bias, int in) {
        int rows = x.length / in;
        int out = weight.length / in;
        double[] y = new double[rows * out];
        for (int r = 0; r < rows; r++) {
            for (int o = 0; o < out; o++) {
                double sum = bias == null ? 0 : bias[o];
                for (int i = 0; i < in; i++) {
                    sum += x[r * in + i] * weight[o * in + i];
                }
                y[r * out + o] = sum;
            }
        }
        return y;
    }
}
