package dev.aerie.target;

import dev.aerie.errors.RefusalException;
import dev.aerie.target.spec.DecoderSpec;
import dev.aerie.target.weights.StagingBuffer;
import dev.aerie.torch.DType;
import dev.aerie.torch.Device;
import java.io.Serializable;
import java.util.Locale;

/**
 * Where a target keeps its layers.
 *
 * @param mode {@code resident}: all of them on the device; {@code streamed}: one at a time, the next being prepared;
 *     {@code auto}: resident where the weights fit
 * @param weightMemory bytes that resident weights may take, for {@code auto}; 0 for {@link #SHARE} of what the device has free
 */
public record Residency(String mode, long weightMemory) implements Serializable {

    public static final Residency RESIDENT = new Residency("resident", 0);
    public static final Residency STREAMED = new Residency("streamed", 0);
    public static final Residency AUTO = new Residency("auto", 0);

    /** Of a device's free memory; the rest is for activations, captured states and libtorch itself. */
    private static final double SHARE = 0.7;

    public Residency {
        if (!mode.equals("resident") && !mode.equals("streamed") && !mode.equals("auto")) {
            throw new RefusalException("Invalid residency: " + mode + " (expected resident, streamed or auto)");
        }
        if (weightMemory < 0) {
            throw new RefusalException("Invalid weight memory: " + weightMemory + " (expected at least 0)");
        }
    }

    /** What is done, and why: one line for the log. */
    record Decision(boolean streamed, String reason) {
        @Override
        public String toString() {
            return (streamed ? "streamed" : "resident") + ": " + reason;
        }
    }

    Decision decide(DecoderSpec spec, DType dtype, Device device) {
        if (!mode.equals("auto")) {
            return new Decision(mode.equals("streamed"), "as target.residency says");
        }
        long bytes = spec.weights().stream().mapToLong(w -> StagingBuffer.bytes(dtype, w.shape())).sum();
        long allowed = weightMemory > 0 ? weightMemory : (long) (SHARE * DeviceMemory.of(device));
        return new Decision(bytes > allowed, String.format(Locale.ROOT, "weights of %,.2f GB in %s, and %s %,.2f GB for them",
                bytes / 1e9, dtype, weightMemory > 0 ? "target.weight_memory allows" : "70 % of the free memory of " + device + " is",
                allowed / 1e9));
    }
}
