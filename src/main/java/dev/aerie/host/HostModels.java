package dev.aerie.host;

import dev.aerie.torch.NativeCache;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HexFormat;
import java.util.regex.Pattern;
import org.apache.hadoop.conf.Configuration;

/**
 * Where a model lies on this host. Weights are memory-mapped, so a model on another file system is copied first: once for each
 * host, however many processes and threads ask for it at a time.
 *
 * <p>Settings travel in Hadoop's configuration, which the driver's tasks get anyway: {@link #CACHE}, {@link #CACHE_BYTES} and
 * {@link #CACHE_CHECK}. The first question about a URI also notes there which content it has, and a task that finds another one
 * fails: the driver has checked and fingerprinted something else.
 */
public final class HostModels {

    /** Folder of the copies; {@code models} in {@link NativeCache#folder} where unset. */
    public static final String CACHE = "aerie.target.cache";
    /** Bytes of all copies at most; as many as the disk holds where unset. */
    public static final String CACHE_BYTES = "aerie.target.cache_bytes";
    /** {@code sizes} or {@code checksums}: what is compared before a copy is used. */
    public static final String CACHE_CHECK = "aerie.target.cache_check";

    /** What begins the keys that this class reads and writes. */
    public static final String PREFIX = "aerie.target.";
    private static final String IDENTITY = PREFIX + "identity.";

    /** Longer than any retry of Hadoop's clients takes. */
    private static final Duration STALL = Duration.ofMinutes(10);
    /** A full disk stops other work of the host too. */
    private static final long RESERVE = 256L << 20;
    private static final Pattern SCHEME = Pattern.compile("[A-Za-z][A-Za-z0-9+.-]*:.*");

    private HostModels() {}

    /** Whether a model is used where it lies: a path without scheme, or a file URI. */
    public static boolean isLocal(String model) {
        return model.startsWith("file:") || !SCHEME.matcher(model).matches();
    }

    /** The same model, spelled so that it means the same in every process: an absolute path or a URI. */
    public static String qualified(String model) {
        return isLocal(model) ? local(model).toString() : model;
    }

    private static Path local(String model) {
        String path = model.startsWith("file:") ? new org.apache.hadoop.fs.Path(model).toUri().getPath() : model;
        return Path.of(path).toAbsolutePath().normalize();
    }

    /**
     * The folder with the model's files. A copy stays as long as this process lives.
     *
     * @param model a path or a URI of any Hadoop file system
     * @throws IllegalArgumentException if there is no such model, or no room for its copy
     * @throws IOException if it cannot be read, changed since the job began, or nothing of it came for ten minutes
     */
    public static Path folder(String model, Configuration conf) throws IOException {
        if (isLocal(model)) {
            return local(model);
        }
        SourceModel source = SourceModel.list(model, conf);
        byte[] name = source.uri().toString().getBytes(StandardCharsets.UTF_8);
        String key = IDENTITY + HexFormat.of().formatHex(Copying.sha256().digest(name), 0, 8);
        conf.setIfUnset(key, source.identity());
        if (!source.identity().equals(conf.get(key))) {
            throw new IOException("The files of " + source.uri() + " have changed since this job began");
        }
        return copies(conf).folder(source);
    }

    /**
     * A temporary folder with config.json of a model elsewhere and nothing else, for whoever asks what the model would take.
     *
     * @throws IllegalArgumentException if there is no such model
     */
    public static Path configuration(String model, Configuration conf) throws IOException {
        SourceModel source = SourceModel.list(model, conf);
        Path folder = Files.createTempDirectory("aerie-model");
        Path file = folder.resolve(ModelFiles.CONFIG);
        try (InputStream in = source.files().open(source.present().get(ModelFiles.CONFIG).getPath())) {
            Files.copy(in, file);
        }
        // Deleted in the reverse of this order.
        folder.toFile().deleteOnExit();
        file.toFile().deleteOnExit();
        return folder;
    }

    private static ModelCopies copies(Configuration conf) throws IOException {
        String chosen = conf.get(CACHE);
        return new ModelCopies(
                chosen == null ? NativeCache.folder().resolve("models") : Path.of(chosen),
                new ModelCopies.Limits(conf.getLong(CACHE_BYTES, Long.MAX_VALUE),
                        conf.get(CACHE_CHECK, "sizes").equals("checksums"), STALL,
                        folder -> Files.getFileStore(folder).getUsableSpace(), RESERVE));
    }
}
