package dev.aerie.gang;

import java.time.Duration;

/** A time after which waiting is an error. */
final class Deadline {

    private final Duration allowed;
    private final long end;

    private Deadline(Duration allowed) {
        this.allowed = allowed;
        this.end = System.nanoTime() + allowed.toNanos();
    }

    static Deadline in(Duration allowed) {
        return new Deadline(allowed);
    }

    boolean passed() {
        return end - System.nanoTime() <= 0;
    }

    /** Returns at least 1, because sockets and selectors take 0 for no limit. */
    int remainingMillis() {
        long millis = (end - System.nanoTime()) / 1_000_000;
        return (int) Math.max(1, Math.min(millis, Integer.MAX_VALUE));
    }

    /** Returns the duration for messages, such as {@code 90 s}. */
    @Override
    public String toString() {
        return allowed.toMillis() % 1000 == 0 ? allowed.toSeconds() + " s" : allowed.toMillis() + " ms";
    }
}
