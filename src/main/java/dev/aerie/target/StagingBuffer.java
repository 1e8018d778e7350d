package dev.aerie.target;

import dev.aerie.torch.DType;
import dev.aerie.torch.Scope;
import dev.aerie.torch.StagingMemory;
import dev.aerie.torch.Tensor;

/** Memory that one layer's weights are cut from, and then the weights of a later layer: it is allocated once. */
final class StagingBuffer implements AutoCloseable {

    /** What libtorch aligns its own tensors to. */
    private static final long ALIGNMENT = 64;

    private final Scope scope = Scope.detached();
    private final Tensor bytes;
    private long used;

    /** @param pinned for memory of the host that a GPU copies from by itself */
    StagingBuffer(long capacity, boolean pinned) {
        try (Scope making = Scope.open()) {
            this.bytes = scope.adopt(StagingMemory.ofHost(capacity, pinned));
        }
    }

    /** Bytes that a tensor takes in a buffer. */
    static long bytes(DType dtype, long... shape) {
        long bytes = dtype.bytes();
        for (long n : shape) {
            bytes = Math.multiplyExact(bytes, n);
        }
        return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }

    /** Gives all memory away anew; tensors cut from it before are overwritten. */
    void reset() {
        used = 0;
    }

    /** A copy of a tensor in this memory, as a tensor in the innermost scope. */
    Tensor copyOf(Tensor tensor) {
        return copyOf(tensor, tensor.dtype());
    }

    /** The same, converted. */
    Tensor copyOf(Tensor tensor, DType dtype) {
        long length = bytes(dtype, tensor.shape());
        if (length > bytes.count() - used) {
            throw new IllegalStateException("A layer needs more than the " + bytes.count() + " bytes of its staging buffer");
        }
        Tensor copy = StagingMemory.view(bytes, used, dtype, tensor.shape()).copy_(tensor);
        used += length;
        return copy;
    }

    @Override
    public void close() {
        scope.close();
    }
}
