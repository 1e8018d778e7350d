package dev.aerie.host;

import dev.aerie.files.Sha256;
import dev.aerie.host.CopyManifest.CopiedFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionService;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorCompletionService;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;

/** Copies files from a Hadoop file system to this host, several at a time, because one stream of an object store is slow. */
final class Copying {

    /** A stream of S3 reads about 100 MB/s; more streams would slow down other work on the host. */
    private static final int STREAMS = 4;
    private static final int BUFFER = 4 << 20;

    private final FileSystem from;
    private final Path to;
    private final Duration stall;
    private final AtomicLong bytes = new AtomicLong();

    /** @param stall the copy fails if no byte arrives for this long */
    Copying(FileSystem from, Path to, Duration stall) {
        this.from = from;
        this.to = to;
        this.stall = stall;
    }

    List<CopiedFile> copy(List<FileStatus> files) throws IOException {
        ExecutorService streams = Executors.newFixedThreadPool(STREAMS, task -> {
            Thread thread = new Thread(task, "copy of a model");
            thread.setDaemon(true);
            return thread;
        });
        try {
            CompletionService<CopiedFile> running = new ExecutorCompletionService<>(streams);
            files.forEach(f -> running.submit(() -> copy(f)));
            List<CopiedFile> done = new ArrayList<>();
            while (done.size() < files.size()) {
                done.add(next(running));
            }
            return done;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("The copy to " + to + " was interrupted", e);
        } catch (ExecutionException e) {
            throw new IOException("The copy to " + to + " failed: " + e.getCause().getMessage(), e.getCause());
        } finally {
            streams.shutdownNow();
        }
    }

    private CopiedFile next(CompletionService<CopiedFile> running)
            throws InterruptedException, ExecutionException, IOException {
        long seen = bytes.get();
        long since = System.nanoTime();
        while (true) {
            Future<CopiedFile> done = running.poll(Math.min(1000, stall.toMillis()), TimeUnit.MILLISECONDS);
            if (done != null) {
                return done.get();
            }
            if (bytes.get() != seen) {
                seen = bytes.get();
                since = System.nanoTime();
            } else if (System.nanoTime() - since > stall.toNanos()) {
                throw new IOException("The copy to " + to + " stands still: no byte in " + stall.toSeconds() + " seconds");
            }
        }
    }

    private CopiedFile copy(FileStatus file) throws IOException {
        Sha256 sha = new Sha256();
        String name = ModelFiles.nameOf(file.getPath());
        Files.createDirectories(to.resolve(name).getParent());
        byte[] buffer = new byte[(int) Math.min(BUFFER, Math.max(1, file.getLen()))];
        long length = 0;
        try (FSDataInputStream in = from.open(file.getPath());
                FileChannel out = FileChannel.open(to.resolve(name), StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                sha.add(buffer, 0, n);
                for (ByteBuffer part = ByteBuffer.wrap(buffer, 0, n); part.hasRemaining();) {
                    out.write(part);
                }
                length += n;
                bytes.addAndGet(n);
            }
            // The rename that makes the copy whole may reach the disk before the content does.
            out.force(false);
        }
        if (length != file.getLen()) {
            throw new IOException(file.getPath() + " gave " + length + " bytes (expected " + file.getLen() + ", as listed)");
        }
        return new CopiedFile(name, length, sha.hex());
    }
}
