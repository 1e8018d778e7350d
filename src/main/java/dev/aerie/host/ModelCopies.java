package dev.aerie.host;

import dev.aerie.errors.RefusalException;
import dev.aerie.host.CopyManifest.CopiedFile;
import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.hadoop.fs.FileStatus;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The copies of models that this host has, in one folder that all processes on it share.
 *
 * <p>A copy is a folder {@code name-identity}, complete when it has that name: it is made as {@code name-identity.part} and
 * renamed. A process that makes, repairs or removes it holds the lock {@code name-identity.lock} exclusively; a process that uses
 * it holds the lock shared until it ends. Free space is computed under {@code space.lock}, where an unfinished copy counts with
 * its final size.
 */
final class ModelCopies {

    private static final Logger LOG = LoggerFactory.getLogger(ModelCopies.class);
    private static final String PART = ".part";
    private static final String LOCK = ".lock";
    /** Folders being deleted. The user chooses the parent folder, so only names that are certainly ours are ever touched. */
    private static final Pattern GONE = Pattern.compile("aerie-[0-9a-f-]{36}\\.gone");
    private static final Path SPACE = Path.of("space" + LOCK);
    /** Copies whose checksums this process has compared: 140 GB take minutes, and every shard's task needs the model. */
    private static final Set<Path> CHECKED = ConcurrentHashMap.newKeySet();
    private static final Duration POLL = Duration.ofMillis(100);
    /** Largest number of attempts, for a copy that other processes keep damaging or removing. */
    private static final int ATTEMPTS = 3;

    private final Path root;
    private final Limits limits;

    /**
     * The limits of the copies.
     *
     * @param bytes of all copies together at most
     * @param checksums whether a copy's content is compared with its checksums before it is used, not only its sizes
     * @param stall longest time without a byte, in this process's copying or in that of the process waited for
     * @param disk the free bytes of the disk
     * @param reserve of the disk that copies leave free
     */
    record Limits(long bytes, boolean checksums, Duration stall, Disk disk, long reserve) {

        /** Measures free bytes. */
        interface Disk {
            long free(Path folder) throws IOException;
        }
    }

    ModelCopies(Path root, Limits limits) throws IOException {
        this.root = Files.createDirectories(root).toAbsolutePath();
        this.limits = limits;
    }

    /** Returns the folder of a model's copy, which is made if there is none yet and kept as long as this process lives. */
    Path folder(SourceModel model) throws IOException {
        Path copy = root.resolve(model.copyName());
        Path file = beside(copy, LOCK);
        try (HostLock lock = await(file, copy)) {
            for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
                await(lock, true, copy);
                if (isWhole(copy)) {
                    Files.setLastModifiedTime(file, FileTime.fromMillis(System.currentTimeMillis()));
                    lock.keep();
                    return copy;
                }
                await(lock, false, copy);
                if (!isWhole(copy)) {
                    make(model, copy);
                }
            }
        }
        throw new IOException("The copy " + copy + " of " + model.uri() + " was damaged or removed as soon as it was made, "
                + ATTEMPTS + " times");
    }

    private boolean isWhole(Path copy) throws IOException {
        if (!Files.isDirectory(copy)) {
            return false;
        }
        Optional<CopyManifest> manifest = CopyManifest.read(copy);
        boolean checksums = limits.checksums() && !CHECKED.contains(copy);
        Optional<String> damage = manifest.isEmpty()
                ? Optional.of("it has no readable " + CopyManifest.FILE) : manifest.get().damage(copy, checksums);
        if (checksums && damage.isEmpty()) {
            CHECKED.add(copy);
        }
        damage.ifPresent(what -> LOG.warn("The copy {} is damaged and made again: {}", copy, what));
        return damage.isEmpty();
    }

    private void make(SourceModel model, Path copy) throws IOException {
        CHECKED.remove(copy);
        remove(copy);
        Path part = beside(copy, PART);
        remove(part);
        List<FileStatus> files = model.needed();
        CopyManifest planned = new CopyManifest(model.uri().toString(),
                files.stream().map(f -> new CopiedFile(ModelFiles.nameOf(f.getPath()), f.getLen(), null)).toList());
        try (HostLock space = await(root.resolve(SPACE), copy)) {
            await(space, false, copy);
            makeRoom(planned.bytes(), model.uri().toString());
            Files.createDirectories(part);
            planned.write(part);
        }
        LOG.info("Copying {}, {} GB, to {}", model.uri(), gigabytes(planned.bytes()), copy);
        long start = System.nanoTime();
        try {
            List<CopiedFile> copied = new Copying(model.files(), part, limits.stall()).copy(files);
            copied.sort(Comparator.comparing(CopiedFile::name));
            new CopyManifest(planned.source(), copied).write(part);
            Files.move(part, copy, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException | RuntimeException e) {
            remove(part);
            throw e;
        }
        LOG.info("Copied {} in {} s", model.uri(), (System.nanoTime() - start) / 1_000_000_000);
    }

    /** Removes unused copies, least recently used first, until there is enough space. */
    private void makeRoom(long wanted, String model) throws IOException {
        List<Path> removable = new ArrayList<>();
        try (Stream<Path> all = Files.list(root)) {
            for (Path path : all.filter(Files::isDirectory).toList()) {
                if (GONE.matcher(path.getFileName().toString()).matches()) {
                    // The process that renamed it died before it was deleted.
                    delete(path);
                } else if (Files.exists(path.resolve(CopyManifest.FILE))) {
                    removable.add(path);
                }
            }
        }
        removable.sort(Comparator.comparing(this::lastUse));
        for (Path path : removable) {
            if (missing(wanted) <= 0) {
                return;
            }
            removeUnused(path);
        }
        long missing = missing(wanted);
        if (missing > 0) {
            throw new RefusalException(String.format(Locale.ROOT,
                    "Invalid target.cache: %s lacks %s GB for a copy of %s, which takes %s GB (expected that much free on its "
                            + "disk and within target.cache_bytes, beside the copies in use)",
                    root, gigabytes(missing), model, gigabytes(wanted)));
        }
    }

    /** Returns the bytes that are missing for another copy; bytes that unfinished copies will still take are not free. */
    private long missing(long wanted) throws IOException {
        long counted = 0;
        long outstanding = 0;
        try (Stream<Path> all = Files.list(root)) {
            for (Path path : all.filter(Files::isDirectory).toList()) {
                Optional<CopyManifest> manifest = CopyManifest.read(path);
                counted += manifest.map(CopyManifest::bytes).orElse(0L);
                if (manifest.isPresent() && path.toString().endsWith(PART)) {
                    outstanding += Math.max(0, manifest.get().bytes() - present(path));
                }
            }
        }
        long overLimit = counted + wanted - limits.bytes();
        long overDisk = wanted + outstanding + limits.reserve() - limits.disk().free(root);
        return Math.max(limits.bytes() == Long.MAX_VALUE ? Long.MIN_VALUE : overLimit, overDisk);
    }

    private FileTime lastUse(Path path) {
        try {
            return Files.getLastModifiedTime(lockOf(path));
        } catch (IOException noLock) {
            return FileTime.fromMillis(0);
        }
    }

    private Path lockOf(Path path) {
        String name = path.getFileName().toString();
        return root.resolve((name.endsWith(PART) ? name.substring(0, name.length() - PART.length()) : name) + LOCK);
    }

    private void removeUnused(Path path) throws IOException {
        Path file = lockOf(path);
        if (HostLock.isKept(file)) {
            return;
        }
        FileTime lastUse = lastUse(path);
        Optional<HostLock> open = HostLock.open(file);
        if (open.isPresent()) {
            try (HostLock lock = open.get()) {
                if (lock.tryLock(false)) {
                    LOG.info("Removing the copy {}, last used {}", path, lastUse);
                    remove(path);
                }
            }
        }
    }

    /** Removes a copy. It is renamed first, so that a partial one is never found under its name. */
    private void remove(Path path) throws IOException {
        if (Files.isDirectory(path)) {
            Path gone = root.resolve("aerie-" + UUID.randomUUID() + ".gone");
            Files.move(path, gone, StandardCopyOption.ATOMIC_MOVE);
            delete(gone);
        }
    }

    private static void delete(Path folder) throws IOException {
        Files.walkFileTree(folder, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                Files.deleteIfExists(file);
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFileFailed(Path file, IOException e) {
                // Another process is deleting it too.
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult postVisitDirectory(Path directory, IOException e) throws IOException {
                Files.deleteIfExists(directory);
                return FileVisitResult.CONTINUE;
            }
        });
    }

    private HostLock await(Path file, Path copy) throws IOException {
        Patience patience = new Patience(file, copy);
        while (true) {
            Optional<HostLock> open = HostLock.open(file);
            if (open.isPresent()) {
                return open.get();
            }
            patience.pause();
        }
    }

    private void await(HostLock lock, boolean shared, Path copy) throws IOException {
        Patience patience = new Patience(lockOf(copy), copy);
        while (!lock.tryLock(shared)) {
            patience.pause();
        }
    }

    /** Waits while another process copies, and {@code limits.stall} after its last byte. */
    private final class Patience {

        private final Path file;
        private final Path part;
        private long seen = -1;
        private long since = System.nanoTime();

        Patience(Path file, Path copy) {
            this.file = file;
            this.part = beside(copy, PART);
        }

        void pause() throws IOException {
            long now = present(part);
            if (now != seen) {
                seen = now;
                since = System.nanoTime();
            } else if (System.nanoTime() - since > limits.stall().toNanos()) {
                throw new IOException(file + " is still locked by another process, which has copied nothing for "
                        + limits.stall().toSeconds() + " seconds");
            }
            try {
                Thread.sleep(POLL.toMillis());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IOException("Interrupted while waiting for " + file, e);
            }
        }
    }

    /** Bytes in a folder's files; 0 without it. */
    private static long present(Path folder) throws IOException {
        long bytes = 0;
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : files.toList()) {
                bytes += Files.size(file);
            }
        } catch (IOException movedOrNotThere) {
            return bytes;
        }
        return bytes;
    }

    private static Path beside(Path copy, String suffix) {
        return copy.resolveSibling(copy.getFileName() + suffix);
    }

    private static String gigabytes(long bytes) {
        return String.format(Locale.ROOT, "%.3f", bytes / 1e9);
    }
}
