package dev.aerie.torch;

/** Memory that tensors are cut from and that is written again and again. */
public final class StagingMemory {

    private StagingMemory() {}

    /** Allocates uint8 [bytes], not initialised. */
    public static Tensor of(Device device, long bytes) {
        return Script.tensor("staging", bytes, device.toString(), false);
    }

    /** Allocates pinned host memory, from which a GPU copies asynchronously; needs a CUDA build. */
    public static Tensor pinned(long bytes) {
        return Script.tensor("staging", bytes, Device.CPU.toString(), true);
    }

    /**
     * Returns a tensor over a part of the memory.
     *
     * @param offset of the first byte, a multiple of the element's size
     */
    public static Tensor view(Tensor memory, long offset, DType dtype, long... shape) {
        if (offset % dtype.bytes() != 0) {
            throw new IllegalArgumentException("Invalid offset: " + offset + " (expected a multiple of " + dtype.bytes() + ")");
        }
        return Script.tensor("mapped_view", memory, offset / dtype.bytes(), shape, dtype.code());
    }

    /**
     * Copies to a device while it goes on computing: on a GPU, on a side stream. Returns when the copy is complete; the caller
     * makes sure that the device no longer reads what is overwritten.
     *
     * @param pinned as many bytes as {@code onDevice}
     */
    public static void copyToDevice(Tensor pinned, Tensor onDevice) {
        if (Kernels.of(onDevice.device()).copyStream()) {
            Script.nothing(Script.Variant.STREAMS, "copy_to_device", pinned, onDevice);
        } else {
            Script.nothing("copy_to_device", pinned, onDevice);
        }
    }

    /** Waits until the device has finished all work submitted so far; returns at once on the CPU. */
    public static void synchronize(Device device) {
        if (!device.isCpu()) {
            try (Scope scope = Scope.open()) {
                // TorchScript offers no other way to wait than reading a number back.
                Tensor.zeros(DType.F32, device, 1).item();
            }
        }
    }

    /** Reads a byte of each page, so that a mapped tensor is in memory before it is used. */
    public static void touch(Tensor mapped) {
        Script.tensor("touch_pages", mapped, (long) (4096 / mapped.dtype().bytes())).close();
    }
}
