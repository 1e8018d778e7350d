package dev.aerie.spark;

import dev.aerie.errors.RefusalException;
import java.util.Arrays;

/** On which device tasks compute: the recipe's {@code runtime.device}. */
public enum DeviceChoice {
    /**
     * The CUDA device of the task's {@code gpu} address; the CPU where the task has no address or this libtorch sees no CUDA
     * device (addresses are then pretended, to try the scheduling).
     */
    AUTO("auto"),
    CPU("cpu"),
    /** As {@link #AUTO}, and a task without a CUDA device fails. */
    CUDA("cuda");

    private final String text;

    DeviceChoice(String text) {
        this.text = text;
    }

    /** The name in a recipe. */
    public String text() {
        return text;
    }

    /** @throws RefusalException for any other name */
    public static DeviceChoice of(String text) {
        return Arrays.stream(values())
                .filter(d -> d.text.equals(text))
                .findFirst()
                .orElseThrow(() -> new RefusalException("Invalid device: " + text + " (expected auto, cpu or cuda)"));
    }
}
