package dev.aerie.store;

import dev.aerie.torch.DType;
import dev.aerie.torch.Tensor;
import java.nio.ByteBuffer;
import java.util.List;

/** Stores float32 unchanged in one column, for tests that compare with golden states. */
final class F32Codec implements Codec {

    static final F32Codec INSTANCE = new F32Codec();

    private F32Codec() {}

    @Override
    public String name() {
        return "f32";
    }

    @Override
    public DType dtype() {
        return DType.F32;
    }

    @Override
    public List<String> columns(String field) {
        return List.of(field);
    }

    @Override
    public byte[][] encode(Tensor states) {
        return new byte[][] {states.to(DType.F32).toBytes()};
    }

    @Override
    public void decode(byte[][] columns, ByteBuffer destination) {
        destination.put(columns[0]);
    }

    @Override
    public int[] columnBytes(int elements) {
        return new int[] {Math.multiplyExact(elements, Float.BYTES)};
    }

    @Override
    public String toString() {
        return name();
    }
}
