package dev.aerie.store;

import dev.aerie.torch.DType;
import dev.aerie.torch.Tensor;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * Stores bfloat16 in two columns: high bytes (sign and most of the exponent) and low bytes.
 *
 * <p>High bytes of adjacent states repeat and compress; mantissas do not. zstd-1 compresses a block by 1.38 if they are separate
 * and by 1.21 if they alternate, at the same speed. Lossless for states that are bfloat16 already.
 */
final class Bf16Codec implements Codec {

    static final Bf16Codec INSTANCE = new Bf16Codec();

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
    public List<String> columns(String field) {
        return List.of(field + "_hi", field + "_lo");
    }

    @Override
    public byte[][] encode(Tensor states) {
        byte[] pairs = states.to(DType.BF16).toBytes();
        byte[] hi = new byte[pairs.length / 2];
        byte[] lo = new byte[pairs.length / 2];
        for (int i = 0, p = 0; i < hi.length; i++, p += 2) {
            lo[i] = pairs[p];
            hi[i] = pairs[p + 1];
        }
        return new byte[][] {hi, lo};
    }

    @Override
    public void decode(byte[][] columns, ByteBuffer destination) {
        byte[] hi = columns[0];
        byte[] lo = columns[1];
        // Through an array: single puts into a direct buffer are three times slower than this and one bulk put.
        byte[] pairs = new byte[2 * hi.length];
        for (int i = 0, p = 0; i < hi.length; i++, p += 2) {
            pairs[p] = lo[i];
            pairs[p + 1] = hi[i];
        }
        destination.put(pairs);
    }

    @Override
    public int[] columnBytes(int elements) {
        return new int[] {elements, elements};
    }

    @Override
    public String toString() {
        return name();
    }
}
