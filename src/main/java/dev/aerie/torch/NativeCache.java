package dev.aerie.torch;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Properties;
import java.util.function.Supplier;

/**
 * The folder of this host for unpacked native libraries and copies of models, shared by every JVM on it: {@code AERIE_CACHE},
 * else {@code ~/.cache/aerie}, else, if the user has no writable home, a folder in the system's temporary one.
 *
 * <p>A JVM loads a native library, identified by its path, through one class loader only. Spark's launcher gives each application
 * in a JVM its own class loader, so this class may be loaded several times; each further one takes a number and its own paths.
 */
public final class NativeCache {

    /** The number of this class's loader among those that loaded it in this JVM: 0, 1, ... */
    static final int LOADER = claimLoader();

    private static final Duration LOCK_DEADLINE = Duration.ofMinutes(10);

    private NativeCache() {}

    /** @throws UncheckedIOException if no folder is writable */
    public static Path folder() {
        String chosen = setting("AERIE_CACHE");
        Path folder = chosen != null ? Path.of(chosen) : Path.of(System.getProperty("user.home"), ".cache", "aerie");
        try {
            return writable(folder);
        } catch (IOException e) {
            if (chosen != null) {
                throw new UncheckedIOException("Invalid AERIE_CACHE: " + chosen + " (expected a folder to write to)", e);
            }
        }
        Path temporary = Path.of(System.getProperty("java.io.tmpdir"), "aerie-" + System.getProperty("user.name"));
        try {
            return writable(temporary);
        } catch (IOException e) {
            throw new UncheckedIOException("No folder for native libraries: neither " + folder + " nor " + temporary
                    + " can be written (set AERIE_CACHE to one that can)", e);
        }
    }

    private static Path writable(Path folder) throws IOException {
        Files.createDirectories(folder);
        if (!Files.isWritable(folder)) {
            throw new IOException(folder + " is not writable");
        }
        return folder.toAbsolutePath();
    }

    /** Runs an action while no other JVM or class loader of this host runs one under the same name. */
    static <T> T locked(String name, Supplier<T> action) {
        Path file = folder().resolve(name + ".lock");
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
                FileLock held = lock(channel, file)) {
            return action.get();
        } catch (IOException e) {
            throw new UncheckedIOException("Cannot lock " + file, e);
        }
    }

    private static FileLock lock(FileChannel channel, Path file) throws IOException {
        long deadline = System.nanoTime() + LOCK_DEADLINE.toNanos();
        while (true) {
            FileLock lock = null;
            try {
                lock = channel.tryLock();
            } catch (OverlappingFileLockException heldByThisJvm) {
                // Another class loader or thread of this JVM holds it: wait as for another process.
            }
            if (lock != null) {
                return lock;
            }
            if (System.nanoTime() > deadline) {
                throw new IOException(file + " is still locked by another process after " + LOCK_DEADLINE.toMinutes()
                        + " minutes");
            }
            try {
                Thread.sleep(50);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IOException("interrupted while waiting for " + file, e);
            }
        }
    }

    /** Returns an environment variable, else the system property of that name; null if both are absent or empty. */
    static String setting(String name) {
        String value = System.getenv(name);
        if (value == null || value.isEmpty()) {
            value = System.getProperty(name);
        }
        return value == null || value.isEmpty() ? null : value;
    }

    private static int claimLoader() {
        Properties properties = System.getProperties();
        synchronized (properties) {
            int number = Integer.parseInt(properties.getProperty("aerie.native.loaders", "0"));
            properties.setProperty("aerie.native.loaders", Integer.toString(number + 1));
            return number;
        }
    }
}
