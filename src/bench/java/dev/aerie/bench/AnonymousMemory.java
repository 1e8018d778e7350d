package dev.aerie.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The most memory that this process had resident: of anonymous memory, which the system cannot take back, or of all. */
public final class AnonymousMemory {

    private static final int PERIOD_MS = 10;

    private final Thread watcher = new Thread(this::run, "anonymous memory");
    private final String field;
    private volatile long most;
    private volatile boolean stopped;

    private AnonymousMemory(String field) {
        this.field = field;
        this.most = now();
    }

    /** Starts to look at anonymous memory, a hundred times a second. */
    static AnonymousMemory watch() {
        return watch("RssAnon:");
    }

    /** Starts to look at all memory, mapped files included, as often. */
    public static AnonymousMemory watchAll() {
        return watch("VmRSS:");
    }

    private static AnonymousMemory watch(String field) {
        AnonymousMemory memory = new AnonymousMemory(field);
        memory.watcher.setDaemon(true);
        memory.watcher.start();
        return memory;
    }

    /** Bytes. */
    long most() {
        return most;
    }

    /** Bytes, the last look included. */
    public long stop() throws InterruptedException {
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
    private long now() {
        try {
            return Files.readAllLines(Path.of("/proc/self/status")).stream()
                    .filter(line -> line.startsWith(field))
                    .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) * 1024)
                    .findFirst()
                    .orElseThrow(() -> new IllegalStateException("/proc/self/status has no " + field));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
