package dev.aerie.prepare;

import dev.aerie.store.NonFiniteStateException;
import dev.aerie.store.ShardWriter;
import dev.aerie.target.HiddenStates;
import dev.aerie.torch.Scope;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.spark.TaskKilledException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes the waves of a shard on a thread of its own, so that the target computes a wave while the one before is encoded,
 * compressed and written. Waves are written in the order in which they are handed over, one at a time: the file's bytes do not
 * depend on timing, and at most one wave waits in memory.
 */
final class WaveWriter implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(WaveWriter.class);

    /** A wave of 4 GiB takes 20 s on a core; an object store that takes this long does not answer. */
    private static final Duration LONGEST_WAVE = Duration.ofMinutes(30);
    private static final Duration ENDING = Duration.ofMinutes(1);

    /** A micro-batch that went through the target. */
    record Batch(List<TokenizedRow> rows, long[] cuSeqlens, HiddenStates states) {}

    private record Refusal(TokenizedRow row, String reason) {}

    private final ShardWriter writer;
    private final RefusalLimit limit;
    private final Duration longestWave;
    private final ExecutorService thread;
    /** Refused before they were captured; recorded ahead of the next wave, so that their order is always the same. */
    private List<Refusal> refusals = new ArrayList<>();
    private Future<?> previous;
    private Scope states = Scope.detached();
    private long waited;

    /** @param writer used by this alone until {@link #finish} returns */
    WaveWriter(ShardWriter writer, RefusalLimit limit) {
        this(writer, limit, LONGEST_WAVE);
    }

    /** @param longestWave the deadline of writing one wave */
    WaveWriter(ShardWriter writer, RefusalLimit limit, Duration longestWave) {
        this.writer = writer;
        this.limit = limit;
        this.longestWave = longestWave;
        this.thread = Executors.newSingleThreadExecutor(task -> {
            Thread t = new Thread(task, "aerie-shard-writer-" + writer.shard());
            t.setDaemon(true);
            return t;
        });
    }

    /** Records a conversation that is left out of the shard. */
    void refuse(TokenizedRow row, String reason) {
        refusals.add(new Refusal(row, reason));
    }

    /**
     * Hands a wave over, once the one before is written. The states of its batches belong to this writer from now on.
     *
     * @throws IOException the failure of the wave before
     */
    void write(List<Batch> wave) throws IOException {
        Scope owner = Scope.detached();
        for (Batch batch : wave) {
            owner.adopt(batch.states().aux());
            owner.adopt(batch.states().last());
        }
        try {
            awaitPrevious();
        } catch (IOException | RuntimeException | Error e) {
            owner.close();
            throw e;
        }
        states = owner;
        submit(wave);
    }

    /**
     * Waits until everything is written; the shard may then be committed.
     *
     * @throws IOException the failure of the last wave
     */
    void finish() throws IOException {
        awaitPrevious();
        submit(List.of());
        awaitPrevious();
    }

    /** Returns the nanoseconds that the calling thread has waited for waves to be written. */
    long waitNanos() {
        return waited;
    }

    private void submit(List<Batch> wave) {
        List<Refusal> first = refusals;
        refusals = new ArrayList<>();
        Scope owner = states;
        previous = thread.submit(() -> {
            try (owner) {
                first.forEach(this::record);
                for (Batch batch : wave) {
                    store(batch);
                }
                // One shard that refuses more than the whole run may stops it without waiting for the others.
                limit.require(writer.refused());
                return null;
            }
        });
    }

    private void store(Batch batch) throws IOException {
        for (int i = 0; i < batch.rows().size(); i++) {
            TokenizedRow row = batch.rows().get(i);
            int length = row.sequence().length();
            try (Scope conversation = Scope.open()) {
                writer.write(row.id(), row.part(), row.sequence(),
                        batch.states().aux().narrow(0, batch.cuSeqlens()[i], length),
                        batch.states().last().narrow(0, batch.cuSeqlens()[i], length));
            } catch (NonFiniteStateException e) {
                LOG.warn("Conversation {} is left out of shard {}: {}", row.id(), writer.shard(), e.getMessage());
                record(new Refusal(row, e.getMessage()));
            }
        }
    }

    private void record(Refusal refusal) {
        TokenizedRow row = refusal.row();
        writer.refuse(row.id(), row.part(), row.sequence().length(), refusal.reason());
    }

    private void awaitPrevious() throws IOException {
        if (previous == null) {
            return;
        }
        long start = System.nanoTime();
        try {
            previous.get(longestWave.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new TaskKilledException("another attempt has committed the shard, or the job ended");
        } catch (TimeoutException e) {
            throw new IOException("Writing a wave of shard " + writer.shard() + " took longer than " + longestWave.toSeconds()
                    + " s", e);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof IOException io) {
                throw io;
            }
            if (e.getCause() instanceof RuntimeException runtime) {
                throw runtime;
            }
            if (e.getCause() instanceof Error error) {
                throw error;
            }
            throw new IOException(e.getCause());
        } finally {
            waited += System.nanoTime() - start;
        }
    }

    /**
     * Ends the thread, with a deadline, and frees the states of a wave that was not written.
     *
     * @throws IOException if the thread still writes; the attempt's file is then an orphan
     */
    @Override
    public void close() throws IOException {
        thread.shutdownNow();
        boolean interrupted = Thread.interrupted();
        try {
            if (!thread.awaitTermination(ENDING.toSeconds(), TimeUnit.SECONDS)) {
                throw new IOException("The writer of shard " + writer.shard() + " has not ended after " + ENDING.toSeconds()
                        + " s");
            }
            states.close();
        } catch (InterruptedException e) {
            interrupted = true;
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
