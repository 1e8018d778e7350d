package dev.aerie.target.weights;

import dev.aerie.torch.DType;
import dev.aerie.torch.Device;
import dev.aerie.torch.Scope;
import dev.aerie.torch.StagingMemory;
import dev.aerie.torch.Tensor;
import java.util.function.Supplier;

/** Memory that one layer's weights are cut from, and then the weights of a later layer: it is allocated once. */
public final class StagingBuffer implements AutoCloseable {

    /** What libtorch aligns its own tensors to. */
    private static final long ALIGNMENT = 64;

    private final Scope scope = Scope.detached();
    private final Tensor bytes;
    private long used;

    private StagingBuffer(Supplier<Tensor> memory) {
        try (Scope making = Scope.open()) {
            this.bytes = scope.adopt(memory.get());
        }
    }

    public static StagingBuffer on(Device device, long capacity) {
        return new StagingBuffer(() -> StagingMemory.of(device, capacity));
    }

    /** On the host, where a GPU copies from it by itself. */
    public static StagingBuffer pinned(long capacity) {
        return new StagingBuffer(() -> StagingMemory.pinned(capacity));
    }

    /** Bytes that a tensor takes in a buffer. */
    public static long bytes(DType dtype, long... shape) {
        long bytes = dtype.bytes();
        for (long n : shape) {
            bytes = Math.multiplyExact(bytes, n);
        }
        return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }

    /** Gives all memory away anew; tensors cut from it before are overwritten. */
    public void reset() {
        used = 0;
    }

    /** A copy of a tensor in this memory, as a tensor in the innermost scope. */
    public Tensor copyOf(Tensor tensor) {
        return copyOf(tensor, tensor.dtype());
    }

    /** The same, converted. */
    public Tensor copyOf(Tensor tensor, DType dtype) {
        return cut(dtype, tensor.shape()).copy_(tensor);
    }

    /** The next part of this memory as a tensor in the innermost scope. */
    public Tensor cut(DType dtype, long... shape) {
        long length = bytes(dtype, shape);
        if (length > bytes.count() - used) {
            throw new IllegalStateException("A layer needs more than the " + bytes.count() + " bytes of its staging buffer");
        }
        Tensor part = StagingMemory.view(bytes, used, dtype, shape);
        used += length;
        return part;
    }

    /** Brings what was cut from another buffer to where the same was cut from this one, while the device goes on with its work. */
    public void copyBeside(StagingBuffer other) {
        try (Scope copying = Scope.open()) {
            StagingMemory.copyBeside(other.bytes.narrow(0, 0, other.used), bytes.narrow(0, 0, other.used));
        }
    }

    @Override
    public void close() {
        scope.close();
    }
}
