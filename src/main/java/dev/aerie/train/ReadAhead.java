package dev.aerie.train;

import dev.aerie.store.Part;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;
import java.util.PrimitiveIterator;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Reads conversations in a given order, some of them ahead of their use. */
final class ReadAhead implements AutoCloseable {

    /** Several, because reading from an object store is mostly waiting. */
    private static final int THREADS = 4;
    /** Bytes that may be read ahead: 16,384 tokens of bf16 states at hidden size 4,096. A single conversation may be larger. */
    private static final long BYTES = 512L << 20;
    private static final int NONE = -1;
    private static final Duration LONGEST_READ = Duration.ofMinutes(10);

    private record Pending(int index, long bytes, Future<Optional<TrainingSample>> conversation) {}

    private final HiddenStateSource source;
    private final Part part;
    private final PrimitiveIterator.OfInt order;
    private final ExecutorService threads;
    private final Deque<Pending> pending = new ArrayDeque<>();
    private long bytes;
    private int following = NONE;

    ReadAhead(HiddenStateSource source, Part part, PrimitiveIterator.OfInt order) {
        this.source = source;
        this.part = part;
        this.order = order;
        this.threads = Executors.newFixedThreadPool(THREADS, task -> {
            Thread thread = new Thread(task, "aerie-read-ahead");
            thread.setDaemon(true);
            return thread;
        });
    }

    /** Returns the next conversation of the order; empty if the target had no finite states for it. */
    Optional<TrainingSample> next() throws InterruptedException {
        fill();
        Pending first = pending.removeFirst();
        try {
            Optional<TrainingSample> conversation =
                    first.conversation().get(LONGEST_READ.toSeconds(), TimeUnit.SECONDS);
            bytes -= first.bytes();
            fill();
            return conversation;
        } catch (ExecutionException e) {
            throw e.getCause() instanceof RuntimeException r ? r : new IllegalStateException(e.getCause());
        } catch (TimeoutException e) {
            throw new IllegalStateException("Reading conversation " + first.index() + " of part " + part.text()
                    + " took longer than " + LONGEST_READ.toMinutes() + " minutes", e);
        }
    }

    private void fill() {
        while (following != NONE || order.hasNext()) {
            if (following == NONE) {
                following = order.nextInt();
            }
            int index = following;
            long more = source.bytes(part, index);
            if (!pending.isEmpty() && bytes + more > BYTES) {
                return;
            }
            pending.addLast(new Pending(index, more, threads.submit(() -> source.read(part, index))));
            bytes += more;
            following = NONE;
        }
    }

    @Override
    public void close() {
        threads.shutdownNow();
    }
}
