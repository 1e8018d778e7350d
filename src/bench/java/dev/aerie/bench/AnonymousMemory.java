package dev.aerie.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The most anonymous memory that this process had resident: all but mapped files, which the system may take back. */
final class AnonymousMemory {

    private static final int PERIOD_MS = 10;

    private final Thread watcher = new Thread(this::run, "anonymous memory");
    private volatile long most = now();
    private volatile boolean stopped;

    private AnonymousMemory() {}

    /** Starts to look, a hundred times a second. */
    static AnonymousMemory watch() {
        AnonymousMemory memory = new AnonymousMemory();
        memory.watcher.setDaemon(true);
        memory.watcher.start();
        return memory;
    }

    /** Bytes. */
    long most() {
        return most;
    }

    /** Bytes, the last look included. */
    long stop() throws InterruptedException {
        stopped = true;
        watcher.join();
        return most;
    }

    private void run() {
        while (!stopped) {
            most = Math.max(most, now());
            try {
                Thread.sleep(PERIOD_MS);
            } catch (InterruptedException e) {
                return;
            }
        }
        most = Math.max(most, now());
    }

    /** Linux alone tells. */
    private static long now() {
        try {
            return Files.readAllLines(Path.of("/proc/self/status")).stream()
                    .filter(line -> line.startsWith("RssAnon:"))
                    .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) * 1024)
                    .findFirst()
                    .orElseThrow(() -> new IllegalStateException("/proc/self/status has no RssAnon"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
