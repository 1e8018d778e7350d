package dev.aerie.store;

import dev.aerie.torch.DType;
import dev.aerie.torch.Tensor;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/**
 * Stores bfloat16 in two planes, high bytes (sign and most of the exponent) and low bytes.
 *
 * <p>High bytes of adjacent states repeat and compress; mantissas do not. zstd-1 compresses a block by 1.38 if they are separate
 * and by 1.21 if they alternate, at the same speed. Lossless for states that are bfloat16 already.
 */
final class Bf16Codec implements Codec {

    static final Bf16Codec INSTANCE = new Bf16Codec();

    private static final VarHandle LONGS = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle INTS = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
    private static final long EVEN_BYTES = 0x00FF00FF00FF00FFL;
    private static final long EVEN_PAIRS = 0x0000FFFF0000FFFFL;

    private Bf16Codec() {}

    @Override
    public String name() {
        return "bf16";
    }

    @Override
    public DType dtype() {
        return DType.BF16;
    }

    @Override
    public boolean isLossless() {
        return true;
    }

    @Override
    public List<String> planes() {
        return List.of("_hi", "_lo");
    }

    @Override
    public EncodedStates encode(Tensor states) {
        byte[] pairs = states.to(DType.BF16).toBytes();
        byte[] hi = new byte[pairs.length / 2];
        byte[] lo = new byte[pairs.length / 2];
        int i = 0;
        // Four elements at a time: three times as fast as byte by byte.
        for (; i <= hi.length - 4; i += 4) {
            long four = (long) LONGS.get(pairs, 2 * i);
            INTS.set(lo, i, evenBytes(four));
            INTS.set(hi, i, evenBytes(four >>> 8));
        }
        for (; i < hi.length; i++) {
            lo[i] = pairs[2 * i];
            hi[i] = pairs[2 * i + 1];
        }
        return EncodedStates.of(hi, lo);
    }

    @Override
    public void decode(EncodedStates states, int rows, int width, ByteBuffer destination, int stride) {
        ByteBuffer hi = states.planes().get(0).duplicate().order(ByteOrder.LITTLE_ENDIAN);
        ByteBuffer lo = states.planes().get(1).duplicate().order(ByteOrder.LITTLE_ENDIAN);
        // Through an array: single puts into a direct buffer are three times slower than this and one bulk put.
        byte[] row = new byte[2 * width];
        for (int r = 0; r < rows; r++) {
            int at = r * width;
            int i = 0;
            for (; i <= width - 4; i += 4) {
                long four = spread(lo.getInt(lo.position() + at + i)) | spread(hi.getInt(hi.position() + at + i)) << 8;
                LONGS.set(row, 2 * i, four);
            }
            for (; i < width; i++) {
                row[2 * i] = lo.get(lo.position() + at + i);
                row[2 * i + 1] = hi.get(hi.position() + at + i);
            }
            destination.put(destination.position() + r * stride, row);
        }
    }

    /** Bytes 0, 2, 4 and 6 next to each other. */
    private static int evenBytes(long value) {
        long bytes = value & EVEN_BYTES;
        long pairs = (bytes | bytes >>> 8) & EVEN_PAIRS;
        return (int) (pairs | pairs >>> 16);
    }

    /** Four bytes with a zero byte after each. */
    private static long spread(int value) {
        long pairs = (value & 0xFFFFFFFFL | (value & 0xFFFFFFFFL) << 16) & EVEN_PAIRS;
        return (pairs | pairs << 8) & EVEN_BYTES;
    }

    @Override
    public int[] planeBytes(int rows, int width) {
        int elements = Math.multiplyExact(rows, width);
        return new int[] {elements, elements};
    }

    /** Measured between 0.69 and 0.75. */
    @Override
    public double compressedShare() {
        return 0.75;
    }

    @Override
    public String toString() {
        return name();
    }
}
