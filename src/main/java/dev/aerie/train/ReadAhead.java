package dev.aerie.train;

import dev.aerie.store.CorruptChunkException;
import dev.aerie.store.Part;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;
import java.util.PrimitiveIterator;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;

/** Reads and decodes conversations in a given order, some of them ahead of their use. Used by one thread. */
final class ReadAhead implements AutoCloseable {

    /** Several, because reading from an object store is mostly waiting. */
    private static final int THREADS = 4;
    /** Bytes that may be read ahead: 8,192 tokens of bf16 states at hidden size 4,096. A single conversation may be larger. */
    private static final long BYTES = 512L << 20;
    private static final int NONE = -1;
    private static final Duration LONGEST_READ = Duration.ofMinutes(10);

    private record Pending(int index, long bytes, CompletableFuture<Optional<TrainingSample>> conversation) {}

    private final HiddenStateSource source;
    private final Part part;
    private final PrimitiveIterator.OfInt order;
    private final CorruptChunks corrupt;
    private final Consumer<String> skips;
    private final ExecutorService threads;
    private final Deque<Pending> pending = new ArrayDeque<>();
    private long bytes;
    private int following = NONE;
    private long skipped;
    private long waitedNanos;

    /** @param skips told why, of each conversation that is left out */
    ReadAhead(HiddenStateSource source, Part part, PrimitiveIterator.OfInt order, CorruptChunks corrupt, Consumer<String> skips) {
        this.source = source;
        this.part = part;
        this.order = order;
        this.corrupt = corrupt;
        this.skips = skips;
        this.threads = Executors.newFixedThreadPool(THREADS, task -> {
            Thread thread = new Thread(task, "aerie-read-ahead");
            thread.setDaemon(true);
            return thread;
        });
    }

    /**
     * Returns the next conversation of the order, which the caller closes; empty if the target had no finite states for it, or if
     * it has a corrupt chunk and is left out.
     *
     * @throws CorruptChunkException if it has one and the training is to stop
     */
    Optional<TrainingSample> next() throws InterruptedException {
        fill();
        Pending first = pending.removeFirst();
        long start = System.nanoTime();
        try {
            return first.conversation().get(LONGEST_READ.toSeconds(), TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof CorruptChunkException c && corrupt == CorruptChunks.SKIP) {
                skipped++;
                skips.accept(c.getMessage());
                return Optional.empty();
            }
            throw e.getCause() instanceof RuntimeException r ? r : new IllegalStateException(e.getCause());
        } catch (TimeoutException e) {
            throw new IllegalStateException("Reading conversation " + first.index() + " of part " + part.text()
                    + " took longer than " + LONGEST_READ.toMinutes() + " minutes", e);
        } finally {
            waitedNanos += System.nanoTime() - start;
            bytes -= first.bytes();
            fill();
        }
    }

    /** Returns the number of conversations that were left out so far. */
    long skipped() {
        return skipped;
    }

    /** Returns how long {@link #next} waited for conversations so far. */
    double waitedSeconds() {
        return waitedNanos / 1e9;
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
            pending.addLast(new Pending(index, more, CompletableFuture.supplyAsync(() -> source.read(part, index), threads)));
            bytes += more;
            following = NONE;
        }
    }

    @Override
    public void close() {
        threads.shutdownNow();
        for (Pending unused : pending) {
            unused.conversation().thenAccept(read -> read.ifPresent(TrainingSample::close));
        }
        pending.clear();
    }
}
