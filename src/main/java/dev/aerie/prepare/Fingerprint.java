package dev.aerie.prepare;

import dev.aerie.errors.RefusalException;
import dev.aerie.files.Sha256;
import dev.aerie.host.ModelFiles;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;

/** Computes SHA-256 digests, in hexadecimal, of what a store is made from. */
public final class Fingerprint {

    /** Larger files are sampled, because hashing 140 GB of weights would take minutes at every start. */
    static final long WHOLE = 256L << 20;
    private static final long STRIDE = 16L << 20;
    private static final int SAMPLE = 64 << 10;

    private Fingerprint() {}

    /** Returns the digest of a file's whole content. */
    public static String of(Path file) throws IOException {
        Sha256 sha = new Sha256();
        add(sha, file, Long.MAX_VALUE);
        return sha.hex();
    }

    /**
     * Of a target: its config.json and generation_config.json, and of each file of its weights the name, the length and the
     * content. Of a file over 256 MiB the first MiB, which holds the header of any but the largest, and 64 KiB of every 16
     * MiB: another training step or another conversion changes every tensor.
     *
     * @param folder as Hugging Face transformers saves a model
     */
    public static String ofTarget(Path folder) throws IOException {
        Sha256 sha = new Sha256();
        for (String name : List.of("config.json", "generation_config.json")) {
            if (Files.exists(folder.resolve(name))) {
                sha.add(name);
                add(sha, folder.resolve(name), Long.MAX_VALUE);
            }
        }
        List<Path> weights;
        try {
            weights = ModelFiles.weights(folder);
        } catch (NoSuchFileException e) {
            throw new RefusalException(
                    "Invalid target: " + folder + " (expected a folder with config.json and safetensors)", e);
        }
        for (Path file : weights) {
            sha.add(file.getFileName().toString());
            add(sha, file, WHOLE);
        }
        return sha.hex();
    }

    /** Adds a file's length and its content, whole where it is no longer than {@code whole}. */
    static void add(Sha256 sha, Path file, long whole) throws IOException {
        try (FileChannel in = FileChannel.open(file)) {
            long length = in.size();
            sha.add(ByteBuffer.allocate(Long.BYTES).putLong(length).flip());
            if (length <= whole) {
                add(sha, in, 0, length);
                return;
            }
            add(sha, in, 0, 1 << 20);
            for (long at = STRIDE; at < length; at += STRIDE) {
                add(sha, in, at, Math.min(SAMPLE, length - at));
            }
            add(sha, in, length - SAMPLE, SAMPLE);
        }
    }

    private static void add(Sha256 sha, FileChannel in, long start, long length) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate((int) Math.min(length, 1 << 20));
        long at = start;
        while (at < start + length) {
            buffer.clear().limit((int) Math.min(buffer.capacity(), start + length - at));
            int n = in.read(buffer, at);
            if (n < 0) {
                throw new IOException("A file became shorter while it was read");
            }
            sha.add(buffer.flip());
            at += n;
        }
    }
}
