package dev.aerie.torch;

import static dev.aerie.torch.GradientCheck.normal;
import static dev.aerie.torch.GradientCheck.tensor;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** The written-out gradients against autograd through the operators themselves, in float64. */
class GradientsTest {

    private static final long SEED = 77;

    private final Random random = new Random(SEED);

    @Test
    void agreeWithAutograd() {
        int n = 1 + random.nextInt(9);
        int d = 2 * (1 + random.nextInt(12));
        try (Scope scope = Scope.open()) {
            Tensor x = tensor(normal(random, n * d), n, d);
            Tensor w = tensor(normal(random, d), d);
            Tensor dy = tensor(normal(random, n * d), n, d);
            Gradients.RmsNormGradient norm = Gradients.rmsNorm(dy, x, w, 1e-5);
            same(recorded(l -> Nn.rmsNorm(l[0], l[1], 1e-5), dy, x, w), norm.input(), norm.weight());

            Tensor half = tensor(normal(random, n * d / 2), n, d / 2);
            same(recorded(l -> Nn.siluProduct(l[0]), half, x), Gradients.siluProduct(half, x));

            Tensor angles = tensor(normal(random, n * d / 2), n, d / 2);
            Tensor heads = tensor(normal(random, n * 3 * d), n, 3, d);
            Tensor headsDy = tensor(normal(random, n * 3 * d), n, 3, d);
            same(recorded(l -> Nn.rotaryEmbedding(l[0], half, angles), headsDy, heads),
                    Gradients.rotaryEmbedding(headsDy, half, angles));

            Tensor weight = tensor(normal(random, 5 * d), 5, d);
            Tensor out = tensor(normal(random, n * 5), n, 5);
            Tensor accumulator = weight.copy();
            Gradients.addLinearWeight(accumulator, out, x);
            same(recorded(l -> Nn.linearAdd(l[0], l[1], out), out, x, weight),
                    Gradients.linear(out, weight), accumulator.sub(weight));
        }
    }

    private interface Operator {
        Tensor of(Tensor[] leaves);
    }

    private static Tensor[] recorded(Operator operator, Tensor dy, Tensor... inputs) {
        try (Autograd.Recording recording = Autograd.recording()) {
            Tensor[] leaves = Arrays.stream(inputs).map(Autograd::leaf).toArray(Tensor[]::new);
            return Autograd.grad(List.of(operator.of(leaves)), List.of(dy), List.of(leaves));
        }
    }

    private static void same(Tensor[] expected, Tensor... actual) {
        for (int i = 0; i < expected.length; i++) {
            assertArrayEquals(expected[i].toDoubles(), actual[i].toDoubles(), 1e-11, "seed " + SEED + ", gradient " + i);
        }
    }
}
