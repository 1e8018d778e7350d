package dev.aerie.train;

import dev.aerie.draft.DraftConfig;
import dev.aerie.draft.DraftParameters;
import dev.aerie.files.Folder;
import dev.aerie.text.DraftVocabulary;
import dev.aerie.torch.Device;
import java.io.IOException;
import java.util.OptionalInt;
import org.apache.hadoop.conf.Configuration;

/** The draft in the newest checkpoint of a training. */
public final class TrainedDraft {

    private final Checkpoints checkpoints;
    private final CheckpointInfo info;
    private final DraftConfig config;
    private final DraftVocabulary vocabulary;

    private TrainedDraft(Checkpoints checkpoints, CheckpointInfo info) throws IOException {
        this.checkpoints = checkpoints;
        this.info = info;
        this.config = checkpoints.config(info);
        this.vocabulary = checkpoints.vocabulary(info);
    }

    /**
     * @param output the folder of a training
     * @throws InvalidCheckpointException if the folder has no checkpoint, or a damaged one
     */
    public static TrainedDraft open(String output, Configuration conf) throws IOException {
        Folder folder = Folder.at(output, conf);
        Checkpoints checkpoints = new Checkpoints(folder);
        long step = checkpoints.latestStep();
        if (step == 0) {
            throw new InvalidCheckpointException(
                    "Missing checkpoint: none in " + folder + " (expected the output of a training)");
        }
        return new TrainedDraft(checkpoints, checkpoints.read(step));
    }

    /** Returns the generation of the store that a training reads, by its newest checkpoint; empty if it has none. */
    public static OptionalInt generation(String output, Configuration conf) throws IOException {
        Checkpoints checkpoints = new Checkpoints(Folder.at(output, conf));
        long step = checkpoints.latestStep();
        String generation = step == 0 ? null : checkpoints.read(step).recipe().get("store.generation");
        return generation == null ? OptionalInt.empty() : OptionalInt.of(Integer.parseInt(generation));
    }

    /** Returns the number of optimizer steps that it was trained for. */
    public long step() {
        return info.step();
    }

    public DraftConfig config() {
        return config;
    }

    public DraftVocabulary vocabulary() {
        return vocabulary;
    }

    /** Reads the parameters; the caller closes them. */
    public DraftParameters parameters(Device device) throws IOException {
        return checkpoints.parameters(info, config, device);
    }

    /** Returns the path of the checkpoint. */
    @Override
    public String toString() {
        return checkpoints.where(info);
    }
}
