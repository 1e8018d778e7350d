package dev.aerie.spark;

import dev.aerie.errors.Choice;

/** The device of tasks: the recipe's {@code runtime.device}. */
public enum DeviceChoice implements Choice {
    /**
     * The CUDA device of the task's {@code gpu} address; the CPU if the task has no address or libtorch finds no CUDA device
     * (addresses are then simulated, to try the scheduling).
     */
    AUTO,
    CPU,
    /** As {@link #AUTO}, and a task without a CUDA device fails. */
    CUDA
}
