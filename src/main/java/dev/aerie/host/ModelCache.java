package dev.aerie.host;

import dev.aerie.errors.Choice;
import dev.aerie.torch.NativeCache;
import java.io.IOException;
import java.io.Serializable;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;

/**
 * The location and the limits of each host's copies of models.
 *
 * @param folder the same on every host; null for {@code models} in the {@link NativeCache} of each
 * @param maxBytes of all copies together
 */
public record ModelCache(String folder, long maxBytes, Check check) implements Serializable {

    /** The host's own cache, as large as its disk. */
    public static final ModelCache USUAL = new ModelCache(null, Long.MAX_VALUE, Check.SIZES);

    /** Longer than any retry of Hadoop's clients takes. */
    private static final Duration STALL = Duration.ofMinutes(10);
    /** A full disk stops other work of the host too. */
    private static final long RESERVE = 256L << 20;

    /** What is compared before a copy is used. */
    public enum Check implements Choice {
        SIZES, CHECKSUMS
    }

    ModelCopies copies() throws IOException {
        return new ModelCopies(
                folder == null ? NativeCache.folder().resolve("models") : Path.of(folder),
                new ModelCopies.Limits(maxBytes, check == Check.CHECKSUMS, STALL,
                        there -> Files.getFileStore(there).getUsableSpace(), RESERVE));
    }
}
