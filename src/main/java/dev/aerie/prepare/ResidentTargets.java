package dev.aerie.prepare;

import dev.aerie.target.Residency;
import dev.aerie.target.Target;
import dev.aerie.torch.DType;
import dev.aerie.torch.Device;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/** The targets of this JVM: an executor loads a target for its first shard and keeps it for the others. */
final class ResidentTargets {

    private record Key(String folder, DType dtype, Device device, Residency residency) {}

    private static final Map<Key, Lease> LEASES = new HashMap<>();

    private ResidentTargets() {}

    /** A target while at least one task holds it, and until {@link #releaseIdle} after that. */
    static final class Lease implements AutoCloseable {
        private final Target target;
        private int holders;
        private boolean retired;

        private Lease(Target target) {
            this.target = target;
        }

        Target target() {
            return target;
        }

        /** Returns the target; the task does not use it afterwards. */
        @Override
        public void close() {
            synchronized (ResidentTargets.class) {
                holders--;
                freeIfUnused();
            }
        }

        private void freeIfUnused() {
            if (retired && holders == 0) {
                target.close();
            }
        }
    }

    static Lease take(String folder, DType dtype, Device device, Residency residency) {
        synchronized (ResidentTargets.class) {
            Lease lease = LEASES.computeIfAbsent(new Key(folder, dtype, device, residency),
                    k -> new Lease(Target.load(Path.of(folder), dtype, device, residency)));
            lease.holders++;
            return lease;
        }
    }

    /**
     * Frees what this JVM loaded, each target once no task holds it: in local mode the driver's JVM goes on to other work
     * after the last shard, and tasks of a failed job may still be running.
     */
    static void releaseIdle() {
        synchronized (ResidentTargets.class) {
            LEASES.values().forEach(lease -> {
                lease.retired = true;
                lease.freeIfUnused();
            });
            LEASES.clear();
        }
    }
}
