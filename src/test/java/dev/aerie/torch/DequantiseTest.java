package dev.aerie.torch;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Random;
import org.junit.jupiter.api.Test;

class DequantiseTest {

    private static final float[] E2M1 = {0, 0.5f, 1, 1.5f, 2, 3, 4, 6};

    @Test
    void everyCodeOfE4m3() {
        assertCodes(DType.F8_E4M3, code -> fp8(code, 4, 3, 7, false));
    }

    @Test
    void everyCodeOfE5m2() {
        assertCodes(DType.F8_E5M2, code -> fp8(code, 5, 2, 15, true));
    }

    @Test
    void everyExponentOfE8m0() {
        try (Scope scope = Scope.open()) {
            float[] actual = bytes(DType.F8_E8M0, all(), 256).to(DType.F32).toFloats();
            for (int code = 0; code < 255; code++) {
                assertEquals((float) Math.pow(2, code - 127), actual[code], "code " + code);
            }
            assertEquals(Float.NaN, actual[255]);
        }
    }

    private interface Decoder {
        float of(int code);
    }

    private static void assertCodes(DType type, Decoder expected) {
        try (Scope scope = Scope.open()) {
            Tensor codes = bytes(type, all(), 16, 16);
            Tensor ones = Tensor.full(1, DType.F32, Device.CPU, 1, 1);
            float[] actual = Dequantise.blocks(codes, ones, 128, 128, DType.F32).toFloats();
            for (int code = 0; code < 256; code++) {
                assertEquals(expected.of(code), actual[code], "code " + code);
            }
        }
    }

    /** IEEE's layout; without infinities the whole top exponent but its last code is numbers. */
    private static float fp8(int code, int exponentBits, int mantissaBits, int bias, boolean infinities) {
        int exponent = code >> mantissaBits & (1 << exponentBits) - 1;
        int mantissa = code & (1 << mantissaBits) - 1;
        boolean top = exponent == (1 << exponentBits) - 1;
        float sign = code >= 128 ? -1 : 1;
        if (infinities && top) {
            return mantissa == 0 ? sign * Float.POSITIVE_INFINITY : Float.NaN;
        }
        if (top && mantissa == (1 << mantissaBits) - 1) {
            return Float.NaN;
        }
        double fraction = (double) mantissa / (1 << mantissaBits);
        return sign * (float) (exponent == 0
                ? fraction * Math.pow(2, 1 - bias)
                : (1 + fraction) * Math.pow(2, exponent - bias));
    }

    @Test
    void blocksOfAMatrixHaveTheirScalesAlsoAtTheEdges() {
        Random random = new Random(5);
        for (int[] size : new int[][] {{5, 7}, {4, 6}, {3, 2}, {9, 1}, {8, 13}}) {
            int m = size[0];
            int n = size[1];
            int rows = 4;
            int columns = 3;
            byte[] codes = new byte[m * n];
            for (int i = 0; i < codes.length; i++) {
                codes[i] = (byte) random.nextInt(0x78);
            }
            int blocksDown = (m + rows - 1) / rows;
            int blocksAcross = (n + columns - 1) / columns;
            float[] scales = new float[blocksDown * blocksAcross];
            for (int i = 0; i < scales.length; i++) {
                scales[i] = random.nextFloat();
            }
            float[] expected = new float[m * n];
            for (int i = 0; i < m; i++) {
                for (int j = 0; j < n; j++) {
                    expected[i * n + j] = fp8(codes[i * n + j], 4, 3, 7, false)
                            * scales[i / rows * blocksAcross + j / columns];
                }
            }
            try (Scope scope = Scope.open()) {
                Tensor actual = Dequantise.blocks(bytes(DType.F8_E4M3, codes, m, n),
                        Tensor.of(scales, blocksDown, blocksAcross), rows, columns, DType.F32);
                assertArrayEquals(new long[] {m, n}, actual.shape());
                assertArrayEquals(expected, actual.toFloats());
            }
        }
    }

    @Test
    void everyPairOfMxfp4CodesUnderDifferentExponents() {
        int experts = 2;
        int rows = 2;
        int groups = 4;
        byte[] blocks = new byte[experts * rows * groups * 16];
        byte[] scales = new byte[experts * rows * groups];
        float[] expected = new float[blocks.length * 2];
        for (int g = 0; g < scales.length; g++) {
            scales[g] = (byte) (120 + g);
            for (int b = 0; b < 16; b++) {
                int code = g * 16 + b;
                blocks[code] = (byte) code;
                float scale = (float) Math.pow(2, 120 + g - 127);
                expected[2 * code] = e2m1(code & 15) * scale;
                expected[2 * code + 1] = e2m1(code >> 4) * scale;
            }
        }
        for (DType scaleType : new DType[] {DType.U8, DType.F8_E8M0}) {
            for (DType type : new DType[] {DType.F32, DType.BF16}) {
                try (Scope scope = Scope.open()) {
                    Tensor actual = Dequantise.mxfp4(bytes(DType.U8, blocks, experts, rows, groups, 16),
                            bytes(scaleType, scales, experts, rows, groups), type);
                    assertEquals(type, actual.dtype());
                    assertArrayEquals(new long[] {experts, rows, 32L * groups}, actual.shape());
                    assertArrayEquals(expected, actual.toFloats());
                }
            }
        }
    }

    private static float e2m1(int code) {
        // The negative zero is read as zero, which no product can tell.
        return code < 8 ? E2M1[code] : 0 - E2M1[code - 8];
    }

    private static byte[] all() {
        byte[] out = new byte[256];
        for (int i = 0; i < out.length; i++) {
            out[i] = (byte) i;
        }
        return out;
    }

    private static Tensor bytes(DType type, byte[] bytes, long... shape) {
        return Tensor.ofBytes(bytes, type, shape);
    }
}
