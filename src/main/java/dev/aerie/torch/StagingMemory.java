package dev.aerie.torch;

/** Memory that tensors are cut from and that is written again and again. */
public final class StagingMemory {

    private StagingMemory() {}

    /**
     * uint8 [bytes] on the host, not initialised.
     *
     * @param pinned locked in memory, so that a GPU copies from it while the host goes on; needs a CUDA build
     */
    public static Tensor ofHost(long bytes, boolean pinned) {
        return Script.tensor("staging", bytes, pinned);
    }

    /**
     * A tensor over a part of the memory.
     *
     * @param offset of the first byte, a multiple of the element's size
     */
    public static Tensor view(Tensor memory, long offset, DType dtype, long... shape) {
        if (offset % dtype.bytes() != 0) {
            throw new IllegalArgumentException("Invalid offset: " + offset + " (expected a multiple of " + dtype.bytes() + ")");
        }
        return Script.tensor("mapped_view", memory, offset / dtype.bytes(), shape, dtype.code());
    }

    /** A copy on a device (also where the tensor is there), without waiting for it where this one is pinned: the device makes it in the order of its stream. */
    public static Tensor toAsync(Tensor pinned, Device device) {
        return Script.tensor("to_device_async", pinned, device.toString());
    }

    /** Waits until the device has done what was asked of it so far; the CPU has always. */
    public static void synchronize(Device device) {
        if (!device.isCpu()) {
            try (Scope scope = Scope.open()) {
                // Reading a number back is the one wait that TorchScript offers.
                Tensor.zeros(DType.F32, device, 1).item();
            }
        }
    }

    /** Reads a byte of each page, so that a mapped tensor is in memory before it is computed with. */
    public static void touch(Tensor mapped) {
        Script.tensor("touch_pages", mapped, (long) (4096 / mapped.dtype().bytes())).close();
    }
}
