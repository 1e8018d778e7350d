package dev.aerie.spark;

import dev.aerie.torch.Device;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Models that the tasks of a JVM share: on each device one at a time, loaded for the first task that asks for it and kept for the
 * others. An instance is held in a static field, because the tasks share nothing else.
 *
 * <p>A task leases the model and closes the {@link Lease} when it is done. The model stays loaded between leases, until
 * {@linkplain #release release} or until a task asks for a model of another key on the same device. Such a task waits for the
 * leases of the model before to end and then takes its place: two models at once may not fit the device.
 *
 * <p>A load that fails closes what it has opened, and its failure goes to the task that asked. The next lease loads again, so a
 * task that Spark repeats fails for the same cause, and not because the first attempt has used up the device's memory.
 *
 * @param <K> equal keys share a model
 * @param <M> the model, which this class closes
 */
public final class SharedModels<K extends ModelKey, M> {

    /** A task that was cancelled ends within a micro-batch; one that still runs after this long is not a leftover. */
    private static final Duration LIMIT = Duration.ofMinutes(10);

    /** Loads a model. */
    @FunctionalInterface
    public interface Loader<K, M> {

        /** @param parts takes over what is opened, at once */
        M load(K key, ModelParts parts) throws IOException;
    }

    private final Loader<K, M> loader;
    private final Duration limit;
    private final Map<Device, Place> places = new ConcurrentHashMap<>();

    public SharedModels(Loader<K, M> loader) {
        this(loader, LIMIT);
    }

    /** @param limit how long a lease waits for those of another model to end */
    SharedModels(Loader<K, M> loader, Duration limit) {
        this.loader = loader;
        this.limit = limit;
    }

    /**
     * Leases the model of a key, loaded if need be; the caller closes the lease.
     *
     * @throws IOException if the model cannot be loaded, or another one is still leased after ten minutes
     */
    public Lease<M> lease(K key) throws IOException {
        return places.computeIfAbsent(key.device(), d -> new Place()).lease(key);
    }

    /**
     * Closes what is loaded, each model once no task leases it: in local mode the driver's JVM goes on to other work after a job,
     * and tasks of a job that failed may still be running.
     */
    public void release() {
        places.values().forEach(Place::release);
    }

    /** A model in use by one task. */
    public static final class Lease<M> implements AutoCloseable {

        private final M model;
        private Runnable end;

        private Lease(M model, Runnable end) {
            this.model = model;
            this.end = end;
        }

        public M model() {
            return model;
        }

        /** Ends the lease; the task does not use the model afterwards. */
        @Override
        public void close() {
            Runnable once = end;
            end = null;
            if (once != null) {
                once.run();
            }
        }
    }

    /** The one model of a device. */
    private final class Place {

        private final ReentrantLock lock = new ReentrantLock();
        private final Condition unused = lock.newCondition();
        private K key;
        private M model;
        private ModelParts parts;
        private int leases;
        private boolean released;

        Lease<M> lease(K wanted) throws IOException {
            try {
                // Held while a model is loaded; other tasks that need it wait here.
                lock.lockInterruptibly();
                try {
                    makeRoomFor(wanted);
                    if (parts == null) {
                        load(wanted);
                    }
                    released = false;
                    leases++;
                    return new Lease<>(model, this::end);
                } finally {
                    lock.unlock();
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new InterruptedIOException("Interrupted while waiting for the model " + wanted);
            }
        }

        private void makeRoomFor(K wanted) throws IOException, InterruptedException {
            long left = limit.toNanos();
            while (parts != null && !key.equals(wanted)) {
                if (leases == 0) {
                    free();
                } else if (left > 0) {
                    left = unused.awaitNanos(left);
                } else {
                    throw new IOException("The model " + key + " is still in use by " + leases + " tasks after "
                            + limit.toSeconds() + " seconds, so " + wanted + " cannot be loaded");
                }
            }
        }

        private void load(K wanted) throws IOException {
            ModelParts opened = new ModelParts();
            try {
                model = loader.load(wanted, opened);
            } catch (IOException | RuntimeException | Error e) {
                opened.close(e);
                throw e;
            }
            key = wanted;
            parts = opened;
        }

        private void end() {
            lock.lock();
            try {
                leases--;
                if (leases == 0 && released) {
                    free();
                }
                unused.signalAll();
            } finally {
                lock.unlock();
            }
        }

        void release() {
            lock.lock();
            try {
                released = true;
                if (leases == 0) {
                    free();
                }
            } finally {
                lock.unlock();
            }
        }

        private void free() {
            if (parts != null) {
                ModelParts closing = parts;
                parts = null;
                model = null;
                key = null;
                closing.close();
            }
        }
    }
}
