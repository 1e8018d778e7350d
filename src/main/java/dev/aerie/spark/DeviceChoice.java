package dev.aerie.spark;

import dev.aerie.errors.Choice;

/** On which device tasks compute: the recipe's {@code runtime.device}. */
public enum DeviceChoice implements Choice {
    /**
     * The CUDA device of the task's {@code gpu} address; the CPU where the task has no address or this libtorch sees no CUDA
     * device (addresses are then pretended, to try the scheduling).
     */
    AUTO,
    CPU,
    /** As {@link #AUTO}, and a task without a CUDA device fails. */
    CUDA
}
