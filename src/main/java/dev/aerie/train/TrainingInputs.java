package dev.aerie.train;

import dev.aerie.draft.DraftConfig;
import dev.aerie.draft.DraftParameters;
import dev.aerie.draft.FrozenTarget;
import dev.aerie.draft.LossMode;
import dev.aerie.torch.DType;
import dev.aerie.torch.Device;
import java.io.IOException;
import java.io.Serializable;
import java.util.Map;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;

/** The inputs of a training; sent to the ranks, each of which opens them. */
public interface TrainingInputs extends Serializable {

    /**
     * Refuses inputs that cannot be trained on, in the driver and before any rank starts.
     *
     * @throws dev.aerie.errors.RefusalException naming the fault of the inputs
     */
    default void check(LossMode mode, CorruptChunks corrupt, Configuration conf) throws IOException {}

    /** Returns what determines the result of a training, by name; a checkpoint with any other value is refused. */
    Map<String, String> fingerprints();

    /**
     * @param device for the target's tensors
     * @param compute their type
     */
    Opened open(Device device, DType compute, Configuration conf) throws IOException;

    /** Inputs that are open on a rank. */
    interface Opened extends AutoCloseable {

        DraftConfig draft();

        FrozenTarget target();

        HiddenStateSource source();

        /** Returns the window on the source if that is a rolling store. */
        default Optional<RollingWindow> window() {
            return Optional.empty();
        }

        /** Returns the draft before its first step, the same on every rank. */
        default DraftParameters initial(long seed, Device device) {
            return DraftParameters.random(draft(), seed, device);
        }

        @Override
        void close();
    }
}
