package dev.aerie.store;

import dev.aerie.torch.DType;
import dev.aerie.torch.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/**
 * Stores 8-bit floating-point numbers, e4m3 without infinities (Micikevicius et al., "FP8 Formats for Deep Learning", 2022), with
 * one scale for each row, that is for each token and layer.
 *
 * <p>A state is first rounded to bfloat16, divided by its row's scale and rounded to e4m3, to nearest even. The scale is the
 * smallest power of two with which the row's largest magnitude is at most 448, e4m3's largest number. A power of two makes both
 * directions exact but for the one rounding: what comes back differs from the bfloat16 state by at most 1/16 of its magnitude, or
 * by 2^-10 scales where that is more. A floating-point grid keeps that whatever outliers a row has, which one integer scale for a
 * row does not.
 */
final class Fp8Codec implements Codec {

    static final Fp8Codec INSTANCE = new Fp8Codec();

    private static final int MANTISSA = 7;
    /** bfloat16 of 448. */
    private static final int LARGEST = 0x43E0;
    /** Scales from 2^-110: below, bfloat16's subnormal numbers would come into play, and states are zero for every purpose. */
    private static final int LOWEST = -110;
    /** bfloat16's largest number takes 2^120. */
    private static final int HIGHEST = 120;
    /** 240: the next e4m3 number, 256, times 2^120 is more than bfloat16 has. */
    private static final int LARGEST_AT_HIGHEST = 0x77;

    /** e4m3 of every bfloat16 from 0 to 448, by its bits. */
    private static final byte[] E4M3 = e4m3();
    /** bfloat16 of every e4m3 number times every scale, from the lowest. */
    private static final short[][] BF16 = bf16();

    private Fp8Codec() {}

    @Override
    public String name() {
        return "fp8";
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

    @Override
    public EncodedStates encode(Tensor states) {
        int rows = (int) states.size(0);
        int width = (int) states.size(1);
        short[] bits = new short[rows * width];
        ByteBuffer.wrap(states.to(DType.BF16).toBytes()).order(ByteOrder.LITTLE_ENDIAN).asShortBuffer().get(bits);
        byte[] codes = new byte[bits.length];
        ByteBuffer scales = ByteBuffer.allocate(Float.BYTES * rows).order(ByteOrder.LITTLE_ENDIAN);
        for (int r = 0; r < rows; r++) {
            int from = r * width;
            int exponent = exponent(bits, from, from + width);
            int shift = exponent << MANTISSA;
            int largest = exponent == HIGHEST ? LARGEST_AT_HIGHEST : 0x7F;
            for (int i = from; i < from + width; i++) {
                // Dividing by a power of two subtracts from the exponent's bits.
                int scaled = Math.max(0, (bits[i] & 0x7FFF) - shift);
                codes[i] = (byte) (Math.min(largest, E4M3[scaled]) | bits[i] >>> 8 & 0x80);
            }
            scales.putFloat(Math.scalb(1f, exponent));
        }
        return EncodedStates.of(codes, scales.array());
    }

    private static int exponent(short[] bits, int from, int to) {
        int largest = 0;
        for (int i = from; i < to; i++) {
            largest = Math.max(largest, bits[i] & 0x7FFF);
        }
        if (largest == 0) {
            return 0;
        }
        int exponent = Math.floorDiv(largest - LARGEST + (1 << MANTISSA) - 1, 1 << MANTISSA);
        return Math.max(LOWEST, Math.min(HIGHEST, exponent));
    }

    @Override
    public void decode(EncodedStates states, int rows, int width, ByteBuffer destination, int stride) {
        ByteBuffer codes = states.planes().get(0);
        ByteBuffer scales = states.planes().get(1).duplicate().order(ByteOrder.LITTLE_ENDIAN);
        byte[] code = new byte[width];
        byte[] row = new byte[2 * width];
        for (int r = 0; r < rows; r++) {
            float scale = scales.getFloat(scales.position() + Float.BYTES * r);
            int exponent = Math.getExponent(scale);
            if (exponent < LOWEST || exponent > HIGHEST || scale != Math.scalb(1f, exponent)) {
                throw new InvalidStoreException("Invalid fp8 scale: " + scale + " (expected a power of two from 2^" + LOWEST
                        + " to 2^" + HIGHEST + ")");
            }
            short[] values = BF16[exponent - LOWEST];
            codes.get(codes.position() + r * width, code);
            for (int i = 0; i < width; i++) {
                int value = values[code[i] & 0xFF];
                row[2 * i] = (byte) value;
                row[2 * i + 1] = (byte) (value >>> 8);
            }
            destination.put(destination.position() + r * stride, row);
        }
    }

    @Override
    public int[] planeBytes(int rows, int width) {
        return new int[] {Math.multiplyExact(rows, width), Math.multiplyExact(rows, Float.BYTES)};
    }

    /** Measured between 0.82 and 0.92. */
    @Override
    public double compressedShare() {
        return 0.92;
    }

    /** Returns the magnitude of a code from 0 to 0x7E. */
    private static float magnitude(int code) {
        int exponent = code >>> 3;
        int mantissa = code & 7;
        return exponent == 0 ? Math.scalb(mantissa, -9) : Math.scalb(8 + mantissa, exponent - 10);
    }

    private static byte[] e4m3() {
        byte[] nearest = new byte[LARGEST + 1];
        int code = 0;
        for (int bits = 0; bits <= LARGEST; bits++) {
            float value = Float.intBitsToFloat(bits << 16);
            while (code < 0x7E) {
                float middle = (magnitude(code) + magnitude(code + 1)) / 2;
                if (value < middle || value == middle && (code & 1) == 0) {
                    break;
                }
                code++;
            }
            nearest[bits] = (byte) code;
        }
        return nearest;
    }

    private static short[][] bf16() {
        short[][] tables = new short[HIGHEST - LOWEST + 1][256];
        for (int exponent = LOWEST; exponent <= HIGHEST; exponent++) {
            for (int code = 0; code < 0x7F; code++) {
                // Exact: e4m3 has 4 significant bits, bfloat16 has 8.
                short bits = (short) (Float.floatToRawIntBits(Math.scalb(magnitude(code), exponent)) >>> 16);
                tables[exponent - LOWEST][code] = bits;
                tables[exponent - LOWEST][code | 0x80] = (short) (bits | 0x8000);
            }
            tables[exponent - LOWEST][0x7F] = 0x7FC0;
            tables[exponent - LOWEST][0xFF] = (short) 0xFFC0;
        }
        return tables;
    }

    @Override
    public String toString() {
        return name();
    }
}
