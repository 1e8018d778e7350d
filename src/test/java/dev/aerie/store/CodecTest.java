package dev.aerie.store;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.aerie.torch.DType;
import dev.aerie.torch.Device;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class CodecTest {

    private final long seed = new Random().nextLong();

    private static Tensor decoded(Codec codec, EncodedStates states, int rows, int width) {
        Tensor back = Tensor.zeros(codec.dtype(), Device.CPU, rows, width);
        codec.decode(states, rows, width, back.memory(), codec.dtype().bytes() * width);
        return back;
    }

    private static Tensor bf16(int rows, int width, int... bits) {
        ByteBuffer bytes = ByteBuffer.allocate(2 * rows * width).order(ByteOrder.nativeOrder());
        for (int i = 0; i < rows * width; i++) {
            bytes.putShort((short) bits[i]);
        }
        return Tensor.ofBytes(bytes.array(), DType.BF16, rows, width);
    }

    private static int[] everyBf16() {
        int[] bits = new int[1 << 16];
        Arrays.setAll(bits, i -> i);
        return bits;
    }

    @Test
    void bf16ReturnsEveryOneOfItsValues() {
        try (Scope scope = Scope.open()) {
            Tensor states = bf16(256, 256, everyBf16());
            EncodedStates encoded = Codec.of("bf16").encode(states);
            assertEquals(0x3f, encoded.planes().get(0).get(0x3f80));
            assertEquals((byte) 0x80, encoded.planes().get(1).get(0x3f80));
            assertArrayEquals(states.toBytes(), decoded(Codec.of("bf16"), encoded, 256, 256).toBytes());
        }
    }

    @Test
    void f32ReturnsTheBits() {
        try (Scope scope = Scope.open()) {
            Tensor states = Tensor.of(new float[] {1.1f, -0f, Float.NaN, Float.MIN_VALUE, Float.NEGATIVE_INFINITY, 3e38f}, 2, 3);
            Codec codec = Codec.of("f32");
            assertArrayEquals(states.toBytes(), decoded(codec, codec.encode(states), 2, 3).toBytes());
            assertArrayEquals(new int[] {24}, codec.planeBytes(2, 3));
        }
    }

    /** libtorch's conversion is the oracle for every bfloat16 number up to e4m3's largest. */
    @Test
    void fp8RoundsAsLibtorchDoes() {
        int[] bits = Arrays.stream(everyBf16()).filter(b -> (b & 0x7FFF) <= 0x43E0).toArray();
        try (Scope scope = Scope.open()) {
            // 448 is among them, so the row's scale is 1.
            Tensor states = bf16(1, bits.length, bits);
            EncodedStates encoded = Codec.of("fp8").encode(states);
            assertEquals(1, encoded.planes().get(1).duplicate().order(ByteOrder.LITTLE_ENDIAN).getFloat());
            assertArrayEquals(states.to(DType.F8_E4M3).toBytes(), encoded.planes().get(0).array());
            assertArrayEquals(states.to(DType.F8_E4M3).to(DType.BF16).toBytes(),
                    decoded(Codec.of("fp8"), encoded, 1, bits.length).toBytes());
        }
    }

    /** Rows as residual streams have them: a scale for each channel, a few channels hundreds of times larger. */
    private static float[] row(Random random, int width) {
        float[] row = new float[width];
        double token = Math.exp(4 * random.nextGaussian());
        for (int c = 0; c < width; c++) {
            double outlier = random.nextInt(50) == 0 ? 300 : 1;
            row[c] = (float) (token * outlier * Math.exp(random.nextGaussian()) * random.nextGaussian());
        }
        return row;
    }

    private interface Bound {
        double of(float[] row, int channel);
    }

    private void assertWithin(Codec codec, Bound bound, float[] row) {
        try (Scope scope = Scope.open()) {
            Tensor states = Tensor.of(row, 1, row.length).to(DType.BF16);
            float[] exact = states.toFloats();
            float[] back = decoded(codec, codec.encode(states), 1, row.length).toFloats();
            for (int c = 0; c < row.length; c++) {
                assertTrue(Math.abs((double) back[c] - exact[c]) <= bound.of(exact, c),
                        codec + ": " + exact[c] + " came back as " + back[c] + ", seed " + seed);
            }
        }
    }

    private static double largest(float[] row, int from, int to) {
        double largest = 0;
        for (int c = from; c < to; c++) {
            largest = Math.max(largest, Math.abs(row[c]));
        }
        return largest;
    }

    private static double fp8Bound(float[] row, int channel) {
        // The scale is under twice the largest magnitude over 448, and never under 2^-110.
        double scale = Math.max(0x1p-110, 2 * largest(row, 0, row.length) / 448);
        return Math.max(Math.abs((double) row[channel]) / 16, scale * 0x1p-10);
    }

    private static double int8Bound(float[] row, int channel) {
        int group = channel / Int8Codec.GROUP * Int8Codec.GROUP;
        double scale = largest(row, group, Math.min(row.length, group + Int8Codec.GROUP)) / 127 * (1 + 0x1p-3) + 0x1p-129;
        return (scale > 0x1p120 ? scale : scale / 2) + Math.abs((double) row[channel]) * 0x1p-8;
    }

    @Test
    void lossyCodecsKeepTheirBounds() {
        Random random = new Random(seed);
        for (int i = 0; i < 300; i++) {
            float[] row = row(random, 1 + random.nextInt(200));
            assertWithin(Codec.of("fp8"), CodecTest::fp8Bound, row);
            assertWithin(Codec.of("int8"), CodecTest::int8Bound, row);
        }
        for (float scale : new float[] {0f, -0f, 0x1p-133f, 0x1p-126f, 0x1p-115f, 0x1p-100f, 0x1p119f, 0x1p120f, 0x1.fep127f}) {
            float[] row = {scale, -scale / 3, scale / 500, 0, -scale, 0.7f * scale, scale * (1 - 0x1p-7f)};
            assertWithin(Codec.of("fp8"), CodecTest::fp8Bound, row);
            assertWithin(Codec.of("int8"), CodecTest::int8Bound, row);
        }
    }

    /** Each row by itself, each layer at its place among others, any width. */
    @Test
    void decodesIntoRowsOfAnotherWidth() {
        Random random = new Random(seed);
        for (Codec codec : Codec.byName().values()) {
            for (int width : new int[] {1, 3, 4, 63, 64, 65, 130}) {
                int rows = random.nextInt(5);
                try (Scope scope = Scope.open()) {
                    Tensor states = Tensor.randomNormal(seed, 3, rows, width).to(DType.BF16);
                    EncodedStates encoded = codec.encode(states);
                    int[] bytes = encoded.planes().stream().mapToInt(ByteBuffer::remaining).toArray();
                    assertArrayEquals(codec.planeBytes(rows, width), bytes, codec + " of width " + width);
                    assertEquals(codec.planes().size(), bytes.length);
                    Tensor wide = Tensor.full(7, codec.dtype(), Device.CPU, rows, 3L * width);
                    if (rows > 0) {
                        int row = width * codec.dtype().bytes();
                        codec.decode(encoded, rows, width, wide.memory().position(row), 3 * row);
                    }
                    assertArrayEquals(decoded(codec, encoded, rows, width).toBytes(), wide.narrow(1, width, width).toBytes());
                    for (int other : new int[] {0, 2 * width}) {
                        for (float value : wide.narrow(1, other, width).toFloats()) {
                            assertEquals(7, value);
                        }
                    }
                }
            }
        }
    }

    @Test
    void scalesThatNoEncoderWritesAreRefused() {
        try (Scope scope = Scope.open()) {
            EncodedStates fp8 = Codec.of("fp8").encode(Tensor.of(new float[] {1, 2}, 1, 2));
            EncodedStates int8 = Codec.of("int8").encode(Tensor.of(new float[] {1, 2}, 1, 2));
            for (float scale : new float[] {0, 3, -1, Float.NaN, Float.POSITIVE_INFINITY, 0x1p125f}) {
                fp8.planes().get(1).order(ByteOrder.LITTLE_ENDIAN).putFloat(0, scale);
                assertTrue(assertThrows(InvalidStoreException.class, () -> decoded(Codec.of("fp8"), fp8, 1, 2)).getMessage()
                        .startsWith("Invalid fp8 scale: " + scale));
            }
            for (int bits : new int[] {0x7F80, 0xFF80, 0x7FC0, 0xBF80}) {
                int8.planes().get(1).order(ByteOrder.LITTLE_ENDIAN).putShort(0, (short) bits);
                assertTrue(assertThrows(InvalidStoreException.class, () -> decoded(Codec.of("int8"), int8, 1, 2)).getMessage()
                        .startsWith("Invalid int8 scale: "));
            }
        }
    }

    @Test
    void unknownNamesAreRefused() {
        assertEquals("Invalid codec: zip (expected bf16, fp8, int8 or f32)",
                assertThrows(IllegalArgumentException.class, () -> Codec.of("zip")).getMessage());
    }

    @Test
    void teacherRowsFollowFromTheMask() {
        boolean[] mask = {true, false, true, true, true, false, true};
        assertArrayEquals(new int[] {2, 3}, TeacherRows.STRICT.of(mask));
        assertEquals(7, TeacherRows.ALL.count(mask));
        assertEquals(0, TeacherRows.STRICT.count(new boolean[] {true}));
        assertEquals(true, TeacherRows.ALL.covers(TeacherRows.STRICT));
        assertEquals(false, TeacherRows.STRICT.covers(TeacherRows.ALL));
    }
}
