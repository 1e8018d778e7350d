package dev.aerie.torch;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class FiniteTest {

    @Test
    void findsTheFirstViolationAsAPlainLoopDoes() {
        long seed = new Random().nextLong();
        Random random = new Random(seed);
        for (int round = 0; round < 50; round++) {
            int rows = random.nextInt(20);
            int width = 1 + random.nextInt(30);
            float[] x = new float[rows * width];
            for (int i = 0; i < x.length; i++) {
                int kind = random.nextInt(200);
                x[i] = kind == 0 ? Float.NaN : kind == 1 ? Float.NEGATIVE_INFINITY : (float) random.nextGaussian();
            }
            int expected = -1;
            for (int i = x.length - 1; i >= 0; i--) {
                expected = Float.isFinite(x[i]) ? expected : i;
            }
            try (Scope scope = Scope.open()) {
                for (DType type : List.of(DType.F32, DType.BF16, DType.F64)) {
                    assertEquals(expected, Finite.firstViolation(Tensor.of(x, rows, width).to(type)), "seed " + seed);
                }
            }
        }
    }
}
