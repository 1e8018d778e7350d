package dev.aerie.safetensors;

import dev.aerie.errors.RefusalException;
import dev.aerie.torch.DType;
import dev.aerie.torch.MappedFile;
import dev.aerie.torch.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;

/** A safetensors file whose tensors are views of the mapped file; opening it reads only the header. */
public final class SafetensorsFile implements AutoCloseable {

    private final Path path;
    private final SafetensorsHeader header;
    private final MappedFile mapped;

    private SafetensorsFile(Path path, SafetensorsHeader header) {
        this.path = path;
        this.header = header;
        this.mapped = MappedFile.open(path);
    }

    /** @throws RefusalException if the file is missing or truncated, or its header is wrong */
    public static SafetensorsFile open(Path path) {
        return new SafetensorsFile(path, SafetensorsHeader.read(path));
    }

    /** Returns the names in the order of the tensors' bytes. */
    public Set<String> names() {
        return header.tensors().keySet();
    }

    /** Returns the strings that the writer stored beside the tensors. */
    public Map<String, String> metadata() {
        return header.metadata();
    }

    public boolean contains(String name) {
        return header.tensors().containsKey(name);
    }

    public DType dtype(String name) {
        return entry(name).dtype();
    }

    public long[] shape(String name) {
        return entry(name).shape().clone();
    }

    /**
     * Returns a tensor in the innermost scope, on the CPU, in its stored type: a view of the file if its offset is a multiple of
     * the element size, else a copy. It stays valid after the file is closed. Changing it does not change the file.
     */
    public Tensor tensor(String name) {
        SafetensorsHeader.Entry e = entry(name);
        return mapped.tensor(header.dataStart() + e.begin(), e.dtype(), e.shape());
    }

    /**
     * Checks the file's size again, for files that are read over hours: reading a mapped page beyond the end kills the process.
     *
     * @throws RefusalException if the file's size has changed since it was opened
     */
    public void requireWhole() {
        try {
            long size = Files.size(path);
            if (size != mapped.size()) {
                throw new RefusalException("Invalid safetensors file: " + path + ": " + size + " bytes long (expected the "
                        + mapped.size() + " bytes it had when it was opened)");
            }
        } catch (IOException e) {
            throw new RefusalException("Invalid safetensors file: " + path + ": it has gone since it was opened", e);
        }
    }

    /** Returns whether {@link #tensor} returns a view of the file and not a copy. */
    public boolean isAligned(String name) {
        SafetensorsHeader.Entry e = entry(name);
        return (header.dataStart() + e.begin()) % e.dtype().bytes() == 0;
    }

    private SafetensorsHeader.Entry entry(String name) {
        SafetensorsHeader.Entry entry = header.tensors().get(name);
        if (entry == null) {
            throw new RefusalException("Missing tensor: " + name + " in " + path);
        }
        return entry;
    }

    @Override
    public void close() {
        mapped.close();
    }

    @Override
    public String toString() {
        return path.toString();
    }
}
