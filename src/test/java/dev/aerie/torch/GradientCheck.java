package dev.aerie.torch;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;
import java.util.function.Function;

/** Compares a gradient with central differences of the plain function, along random directions, in float64. */
final class GradientCheck {

    private static final double STEP = 1e-5;

    private GradientCheck() {}

    /**
     * @param function the naive twin: all inputs to Σ output · some weights
     * @param inputs its arguments
     * @param gradients what the operator says, one for each input
     */
    static void check(Function<double[][], Double> function, double[][] inputs, double[][] gradients, Random random,
            String what) {
        for (int i = 0; i < inputs.length; i++) {
            double[] direction = normal(random, inputs[i].length);
            double ahead = function.apply(moved(inputs, i, direction, STEP));
            double expected = (ahead - function.apply(moved(inputs, i, direction, -STEP))) / (2 * STEP);
            double actual = 0;
            double scale = 0;
            for (int j = 0; j < direction.length; j++) {
                actual += gradients[i][j] * direction[j];
                scale += Math.abs(gradients[i][j] * direction[j]);
            }
            assertEquals(expected, actual, 1e-7 * (scale + 1), what + ", gradient of argument " + i);
        }
    }

    static double[] normal(Random random, int n) {
        return random.doubles(n, 0, 1).map(u -> random.nextGaussian()).toArray();
    }

    private static double[][] moved(double[][] inputs, int i, double[] direction, double step) {
        double[][] moved = inputs.clone();
        moved[i] = inputs[i].clone();
        for (int j = 0; j < direction.length; j++) {
            moved[i][j] += step * direction[j];
        }
        return moved;
    }

    /** float64 on the CPU. */
    static Tensor tensor(double[] values, long... shape) {
        ByteBuffer buffer = ByteBuffer.allocate(values.length * 8).order(ByteOrder.nativeOrder());
        buffer.asDoubleBuffer().put(values);
        return Tensor.ofBytes(buffer.array(), DType.F64, shape);
    }
}
