package dev.aerie.store;

import dev.aerie.torch.DType;
import dev.aerie.torch.Tensor;
import java.nio.ByteBuffer;
import java.util.List;

/** Stores float32 unchanged in one plane, for tests that compare with golden states. */
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
    public boolean isLossless() {
        return true;
    }

    @Override
    public List<String> planes() {
        return List.of("");
    }

    @Override
    public EncodedStates encode(Tensor states) {
        return EncodedStates.of(states.to(DType.F32).toBytes());
    }

    @Override
    public void decode(EncodedStates states, int rows, int width, ByteBuffer destination, int stride) {
        ByteBuffer plane = states.planes().get(0);
        int row = Float.BYTES * width;
        for (int r = 0; r < rows; r++) {
            destination.duplicate().position(destination.position() + r * stride)
                    .put(plane.slice(plane.position() + r * row, row));
        }
    }

    @Override
    public int[] planeBytes(int rows, int width) {
        return new int[] {Math.multiplyExact(Math.multiplyExact(rows, width), Float.BYTES)};
    }

    /** Mantissas of 23 bits do not compress; states that lie on bfloat16's grid do, which is no reason to plan with it. */
    @Override
    public double compressedShare() {
        return 1;
    }

    @Override
    public String toString() {
        return name();
    }
}
