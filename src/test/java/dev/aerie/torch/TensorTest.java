package dev.aerie.torch;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class TensorTest {

    @Test
    void holdsEveryTypeWeStore() {
        try (Scope scope = Scope.open()) {
            Tensor x = Tensor.of(new float[] {1, -2.5f, 3, 0.5f}, 2, 2);
            for (DType t : List.of(DType.BF16, DType.F16, DType.F64, DType.F32)) {
                Tensor y = x.to(t);
                assertEquals(t, y.dtype());
                assertArrayEquals(new float[] {1, -2.5f, 3, 0.5f}, y.toFloats());
                assertEquals(4 * t.bytes(), y.toBytes().length);
            }
            assertArrayEquals(new long[] {3, 1}, Tensor.of(new long[] {3, 1}, 2).toLongs());
            assertEquals(DType.BOOL, Tensor.of(new boolean[] {true, false}, 2).dtype());
            assertEquals("BF16[2, 2]", x.to(DType.BF16).toString());
            assertEquals(0, LibTorch.cudaDevices());
            assertEquals(Device.CPU, x.device());
        }
    }

    @Test
    void scopesFreeWhatTheyOwnAndNothingElse() {
        long before = Scope.liveTensors();
        try (Scope outer = Scope.open()) {
            Tensor kept;
            try (Scope inner = Scope.open()) {
                Tensor a = Tensor.of(new float[] {1, 2}, 2);
                kept = outer.adopt(a.add(a));
                assertEquals(before + 2, Scope.liveTensors());
            }
            assertEquals(before + 1, Scope.liveTensors());
            assertArrayEquals(new float[] {2, 4}, kept.toFloats());
            kept.close();
            kept.close();
            assertThrows(IllegalStateException.class, kept::toFloats);
        }
        assertEquals(before, Scope.liveTensors());
        assertThrows(IllegalStateException.class, () -> Tensor.of(new float[] {1}, 1));
    }

    @Test
    void gradientsAreRecordedOnlyWhenAsked() {
        try (Scope scope = Scope.open()) {
            Tensor w = Autograd.leaf(Tensor.of(new float[] {1, 2, 3}, 3));
            Tensor unused = Autograd.leaf(Tensor.of(new float[] {1}, 1));
            try (Autograd.Recording recording = Autograd.recording()) {
                Tensor y = w.mul(w).to(DType.BF16).to(DType.F32).sum();
                Tensor[] g = Autograd.grad(List.of(y), List.of(Tensor.of(new float[] {1}, new long[0])), List.of(w, unused));
                assertArrayEquals(new float[] {2, 4, 6}, g[0].toFloats());
                assertNull(g[1]);
            }
            Tensor silent = w.mul(w).sum();
            assertThrows(TorchException.class, () -> Autograd.grad(List.of(silent), List.of(silent), List.of(w)));
        }
    }

    @Test
    void errorsNameTheOperatorAndTheShapes() {
        try (Scope scope = Scope.open()) {
            Tensor a = Tensor.of(new float[] {1, 2}, 2);
            Tensor b = Tensor.of(new float[] {1, 2, 3}, 3);
            String message = assertThrows(TorchException.class, () -> a.add(b)).getMessage();
            assertTrue(message.startsWith("add(F32[2], F32[3]) failed: "), message);
        }
    }

    @Test
    void memoryIsTheTensorsOwn() {
        try (Scope scope = Scope.open()) {
            Tensor a = Tensor.of(new float[] {1, 2}, 2);
            a.memory().asFloatBuffer().put(1, 7f);
            assertArrayEquals(new float[] {1, 7}, a.toFloats());
            assertThrows(IllegalStateException.class, () -> Tensor.zeros(DType.F32, Device.CPU, 2, 3).transpose(0, 1).memory());
        }
    }

    /** Two ranks of a local master begin with the same parameters: libtorch has one generator for all threads. */
    @Test
    void randomNumbersFollowFromTheSeedOnEveryThread() throws Exception {
        float[] expected;
        try (Scope scope = Scope.open()) {
            expected = Tensor.randomNormal(5, 1, 40_000).toFloats();
        }
        ExecutorService threads = Executors.newFixedThreadPool(4);
        try {
            List<Future<float[]>> drawn = new ArrayList<>();
            for (int i = 0; i < 60; i++) {
                long seed = 5 + i % 2;
                drawn.add(threads.submit(() -> {
                    try (Scope scope = Scope.open()) {
                        return Tensor.randomNormal(seed, 1, 40_000).toFloats();
                    }
                }));
            }
            for (int i = 0; i < drawn.size(); i += 2) {
                assertArrayEquals(expected, drawn.get(i).get(1, TimeUnit.MINUTES));
            }
        } finally {
            threads.shutdownNow();
        }
    }
}
