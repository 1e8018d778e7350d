package dev.aerie.store;

import dev.aerie.torch.DType;
import dev.aerie.torch.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/**
 * Stores 8-bit integers with a scale for each 64 neighbouring channels of a row.
 *
 * <p>A scale is the group's largest magnitude over 127, rounded up to four binary digits; a state is divided by it and rounded to
 * nearest even. What comes back, rounded to bfloat16, differs from the bfloat16 state by at most half a scale and 2^-8 of its
 * magnitude (a whole scale where the scale is over 2^120). One scale for a whole row would not do: a few channels of a residual
 * stream are hundreds of times larger than the others, which then keep three or four bits.
 */
final class Int8Codec implements Codec {

    static final Int8Codec INSTANCE = new Int8Codec();

    /** Channels that share a scale. */
    static final int GROUP = 64;

    private static final int LARGEST = 127;
    /** Of a scale, after the point. */
    private static final int SCALE_DIGITS = 3;
    /** Adding and subtracting 1.5 · 2^23 rounds a float32 of small magnitude to the nearest whole number, ties to even. */
    private static final float ROUND = 12_582_912f;
    private static final float HUGE = 0x1p120f;

    private Int8Codec() {}

    @Override
    public String name() {
        return "int8";
    }

    @Override
    public DType dtype() {
        return DType.BF16;
    }

    @Override
    public boolean isLossless() {
        return false;
    }

    @Override
    public List<String> planes() {
        return List.of("", "_scale");
    }

    private static int groups(int width) {
        return (width + GROUP - 1) / GROUP;
    }

    @Override
    public EncodedStates encode(Tensor states) {
        int rows = (int) states.size(0);
        int width = (int) states.size(1);
        float[] values = states.to(DType.BF16).toFloats();
        byte[] numbers = new byte[values.length];
        ByteBuffer scales = ByteBuffer.allocate(Short.BYTES * rows * groups(width)).order(ByteOrder.LITTLE_ENDIAN);
        for (int r = 0; r < rows; r++) {
            for (int c = 0; c < width; c += GROUP) {
                int from = r * width + c;
                int to = from + Math.min(GROUP, width - c);
                int bits = scale(values, from, to);
                scales.putShort((short) bits);
                float scale = Float.intBitsToFloat(bits << 16);
                if (scale > HUGE) {
                    // Towards zero: rounding away from it could pass the largest bfloat16.
                    for (int i = from; i < to; i++) {
                        numbers[i] = (byte) (int) (values[i] / scale);
                    }
                } else if (scale > 0) {
                    for (int i = from; i < to; i++) {
                        numbers[i] = (byte) (values[i] / scale + ROUND - ROUND);
                    }
                }
            }
        }
        return EncodedStates.of(numbers, scales.array());
    }

    /**
     * Returns the upper half of the scale's float32, rounded up so that no quotient is over 127. More digits would make scales
     * smaller by 6 % on average, and the shard larger by 2 %: they compress badly, and so do the larger numbers.
     */
    private static int scale(float[] values, int from, int to) {
        float largest = 0;
        for (int i = from; i < to; i++) {
            largest = Math.max(largest, Math.abs(values[i]));
        }
        int bits = Float.floatToRawIntBits(largest / LARGEST);
        int rest = (1 << 23 - SCALE_DIGITS) - 1;
        return (bits + rest & ~rest) >>> 16;
    }

    @Override
    public void decode(EncodedStates states, int rows, int width, ByteBuffer destination, int stride) {
        ByteBuffer numbers = states.planes().get(0);
        ByteBuffer scales = states.planes().get(1).duplicate().order(ByteOrder.LITTLE_ENDIAN);
        int groups = groups(width);
        byte[] number = new byte[width];
        byte[] row = new byte[2 * width];
        for (int r = 0; r < rows; r++) {
            numbers.get(numbers.position() + r * width, number);
            for (int g = 0; g < groups; g++) {
                float scale = Float.intBitsToFloat(scales.getShort(scales.position() + Short.BYTES * (r * groups + g)) << 16);
                if (!(scale >= 0) || Float.isInfinite(scale)) {
                    throw new InvalidStoreException("Invalid int8 scale: " + scale + " (expected 0 or a finite number above)");
                }
                int to = Math.min(width, (g + 1) * GROUP);
                for (int i = g * GROUP; i < to; i++) {
                    int bits = Float.floatToRawIntBits(number[i] * scale);
                    // To bfloat16, to nearest even.
                    int value = bits + 0x7FFF + (bits >>> 16 & 1) >>> 16;
                    row[2 * i] = (byte) value;
                    row[2 * i + 1] = (byte) (value >>> 8);
                }
            }
            destination.put(destination.position() + r * stride, row);
        }
    }

    @Override
    public int[] planeBytes(int rows, int width) {
        return new int[] {Math.multiplyExact(rows, width), Math.multiplyExact(rows, Short.BYTES * groups(width))};
    }

    /** Measured between 0.70 and 0.92. */
    @Override
    public double compressedShare() {
        return 0.92;
    }

    @Override
    public String toString() {
        return name();
    }
}
