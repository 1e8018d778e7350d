package dev.aerie.host;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/**
 * A lock between the processes of a host, on a file that is never deleted.
 *
 * <p>POSIX drops all of a process's locks on a file when it closes any of its descriptors of that file. So inside a JVM one
 * thread at a time has the file open, whatever class loader loaded this class; this is recorded in the system properties, which
 * all class loaders share. A lock that is {@linkplain #keep kept} stays until the JVM ends, and its file is not opened again.
 */
final class HostLock implements AutoCloseable {

    private static final String OPEN = "aerie.models.open ";
    private static final String KEPT = "aerie.models.kept ";
    /** Those of this class loader. */
    private static final Map<Path, HostLock> KEPT_HERE = new ConcurrentHashMap<>();

    private final Path file;
    private final FileChannel channel;
    private FileLock lock;
    private boolean kept;

    private HostLock(Path file, FileChannel channel) {
        this.file = file;
        this.channel = channel;
    }

    /** Returns whether this JVM keeps a shared lock on the file. */
    static boolean isKept(Path file) {
        return System.getProperty(KEPT + file) != null;
    }

    /**
     * Opens the file without locking it; empty while another thread of this JVM has it open, or another class loader keeps it.
     */
    static Optional<HostLock> open(Path file) throws IOException {
        synchronized (System.getProperties()) {
            if (System.getProperty(OPEN + file) != null || isKept(file) && !KEPT_HERE.containsKey(file)) {
                return Optional.empty();
            }
            System.setProperty(OPEN + file, "");
        }
        try {
            HostLock before = KEPT_HERE.remove(file);
            if (before != null) {
                System.clearProperty(KEPT + file);
                before.kept = false;
                return Optional.of(before);
            }
            return Optional.of(new HostLock(file, FileChannel.open(file,
                    StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE)));
        } catch (IOException | RuntimeException e) {
            System.clearProperty(OPEN + file);
            throw e;
        }
    }

    /** Releases the lock that it holds and acquires the other, unless another process holds a conflicting one. */
    boolean tryLock(boolean shared) throws IOException {
        if (lock != null) {
            lock.release();
        }
        lock = channel.tryLock(0, Long.MAX_VALUE, shared);
        return lock != null;
    }

    /** Leaves the lock to the JVM, which has it until it ends. */
    void keep() {
        KEPT_HERE.put(file, this);
        System.setProperty(KEPT + file, "");
        kept = true;
    }

    @Override
    public void close() throws IOException {
        try {
            if (!kept) {
                channel.close();
            }
        } finally {
            System.clearProperty(OPEN + file);
        }
    }
}
