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
import org.apache.hadoop.conf.Configuration;

/** What a training is made from; sent to the ranks, each of which opens it for itself. */
public interface TrainingInputs extends Serializable {

    /**
     * Refuses, in the driver and before any rank starts, what cannot be trained from.
     *
     * @throws IllegalArgumentException that names what is wrong with it
     */
    default void check(LossMode mode, Configuration conf) throws IOException {}

    /** What decides the outcome of a training, by name; a checkpoint is gone on with only where all of it is the same. */
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

        /** The draft before its first step, the same on every rank. */
        default DraftParameters initial(long seed, Device device) {
            return DraftParameters.random(draft(), seed, device);
        }

        @Override
        void close();
    }
}
