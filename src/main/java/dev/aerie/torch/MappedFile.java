package dev.aerie.torch;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A memory-mapped file of any size, whose parts become tensors without being read.
 *
 * <p>Pages are private: changing a tensor in place does not change the file. Tensors keep the mapping alive after {@link #close}.
 * Truncating the file while it is mapped kills the process (SIGBUS), so model files are replaced, never rewritten.
 */
public final class MappedFile implements AutoCloseable {

    private final Scope scope = Scope.detached();
    private final Tensor bytes;
    private final long size;

    private MappedFile(Tensor bytes, long size) {
        this.bytes = scope.adopt(bytes);
        this.size = size;
    }

    public static MappedFile open(Path file) {
        try (Scope scope = Scope.open()) {
            long size = Files.size(file);
            return new MappedFile(Script.tensor("map_file", file.toAbsolutePath().toString(), size), size);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * @param offset of the first byte; if it is not a multiple of the element's size, the tensor is a copy
     * @return a tensor on the CPU in the innermost scope
     * @throws IllegalArgumentException if the tensor does not lie within the file
     */
    public Tensor tensor(long offset, DType dtype, long... shape) {
        long length = dtype.bytes();
        for (long s : shape) {
            length = Math.multiplyExact(length, s);
        }
        if (offset < 0 || length > size - offset) {
            throw new IllegalArgumentException("Invalid range: " + length + " bytes at " + offset + " (expected within " + size
                    + ")");
        }
        if (length == 0) {
            return Tensor.zeros(dtype, Device.CPU, shape);
        }
        return offset % dtype.bytes() == 0
                ? Script.tensor("mapped_view", bytes, offset / dtype.bytes(), shape, dtype.code())
                : Script.tensor("mapped_copy", bytes, offset, length, shape, dtype.code());
    }

    /** Returns the bytes of the file when it was mapped. */
    public long size() {
        return size;
    }

    @Override
    public void close() {
        scope.close();
    }
}
