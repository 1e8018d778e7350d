package dev.aerie.target;

import dev.aerie.errors.Choice;
import dev.aerie.target.spec.DecoderSpec;
import dev.aerie.target.weights.StagingBuffer;
import dev.aerie.torch.DType;
import dev.aerie.torch.Device;
import java.io.Serializable;
import java.util.Locale;

/**
 * Where a target keeps its layers.
 *
 * @param mode {@code resident}: all layers stay on the device; {@code streamed}: one layer at a time is on the device while the
 *     next is prepared; {@code auto}: resident if the weights fit
 * @param weightMemory bytes that resident weights may take, for {@code auto}; 0 stands for {@link #SHARE} of the device's free
 *     memory
 */
public record Residency(Mode mode, long weightMemory) implements Serializable {

    /** The values of the recipe's {@code target.residency}. */
    public enum Mode implements Choice { AUTO, RESIDENT, STREAMED }

    public static final Residency RESIDENT = new Residency(Mode.RESIDENT, 0);
    public static final Residency STREAMED = new Residency(Mode.STREAMED, 0);
    public static final Residency AUTO = new Residency(Mode.AUTO, 0);

    /** Share of a device's free memory; the rest is for activations, captured states and libtorch itself. */
    private static final double SHARE = 0.7;

    /** The decision and its reason, one line for the log. */
    record Decision(boolean streamed, String reason) {
        @Override
        public String toString() {
            return (streamed ? "streamed" : "resident") + ": " + reason;
        }
    }

    Decision decide(DecoderSpec spec, DType dtype, Device device) {
        if (mode != Mode.AUTO) {
            return new Decision(mode == Mode.STREAMED, "as target.residency says");
        }
        long bytes = spec.weights().stream().mapToLong(w -> StagingBuffer.bytes(dtype, w.shape())).sum();
        long allowed = weightMemory > 0 ? weightMemory : (long) (SHARE * DeviceMemory.of(device));
        return new Decision(bytes > allowed, String.format(Locale.ROOT, "weights of %,.2f GB in %s, and %s %,.2f GB for them",
                bytes / 1e9, dtype, weightMemory > 0 ? "target.weight_memory allows" : "70 % of the free memory of " + device
                        + " is",
                allowed / 1e9));
    }
}
