package dev.aerie.target.weights;

import dev.aerie.torch.DType;
import dev.aerie.torch.Device;
import dev.aerie.torch.Scope;
import dev.aerie.torch.StagingMemory;
import dev.aerie.torch.Tensor;
import java.util.function.Supplier;

/** Memory that is allocated once and holds the weights of one layer after another. */
public final class StagingBuffer implements AutoCloseable {

    /** libtorch's alignment of tensors. */
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

    /** Allocates pinned host memory, which a GPU copies from asynchronously. */
    public static StagingBuffer pinned(long capacity) {
        return new StagingBuffer(() -> StagingMemory.pinned(capacity));
    }

    /** Returns the bytes that a tensor takes in a buffer. */
    public static long bytes(DType dtype, long... shape) {
        long bytes = dtype.bytes();
        for (long n : shape) {
            bytes = Math.multiplyExact(bytes, n);
        }
        return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }

    /** Makes all memory available again; tensors cut before are overwritten. */
    public void reset() {
        used = 0;
    }

    /** Copies a tensor into this memory and returns the copy, in the innermost scope. */
    public Tensor copyOf(Tensor tensor) {
        return copyOf(tensor, tensor.dtype());
    }

    /** Converts a tensor into this memory and returns the result, in the innermost scope. */
    public Tensor copyOf(Tensor tensor, DType dtype) {
        return cut(dtype, tensor.shape()).copy_(tensor);
    }

    /** Returns the next part of this memory as a tensor in the innermost scope. */
    public Tensor cut(DType dtype, long... shape) {
        long length = bytes(dtype, shape);
        if (length > bytes.count() - used) {
            throw new IllegalStateException("A layer needs more than the " + bytes.count() + " bytes of its staging buffer");
        }
        Tensor part = StagingMemory.view(bytes, used, dtype, shape);
        used += length;
        return part;
    }

    /** Copies another buffer's tensors to this buffer, which was cut alike, while the device goes on computing. */
    public void copyToDevice(StagingBuffer other) {
        try (Scope copying = Scope.open()) {
            StagingMemory.copyToDevice(other.bytes.narrow(0, 0, other.used), bytes.narrow(0, 0, other.used));
        }
    }

    @Override
    public void close() {
        scope.close();
    }
}
