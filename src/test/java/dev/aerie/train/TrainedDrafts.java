package dev.aerie.train;

import dev.aerie.draft.DraftConfig;
import dev.aerie.draft.DraftParameters;
import dev.aerie.files.Folder;
import dev.aerie.target.spec.Rope;
import dev.aerie.text.DraftVocabulary;
import dev.aerie.torch.Device;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;

/** Checkpoints of small drafts, made without a training. */
public final class TrainedDrafts {

    private static final int TARGET_VOCABULARY = 40;

    private TrainedDrafts() {}

    /** @param intermediate size by which two drafts are told apart by their configurations */
    public static DraftConfig config(int intermediate) {
        return new DraftConfig(16, intermediate, 4, 2, 8, 16, TARGET_VOCABULARY, 3, 1e-5, 128, new Rope.Default(10_000),
                List.of(),
                1, List.of(2), null);
    }

    /** Commits a draft whose parameters follow from the step, and is the only checkpoint then. */
    public static TrainedDraft commit(String output, Configuration conf, DraftConfig config, long step) throws IOException {
        Folder folder = Folder.at(output, conf);
        commit(new Checkpoints(folder), Claim.take(folder), config, step, 1);
        return TrainedDraft.open(output, conf);
    }

    static void commit(Checkpoints checkpoints, Claim claim, DraftConfig config, long step, int keep) throws IOException {
        CheckpointInfo info = new CheckpointInfo(CheckpointInfo.FORMAT_VERSION, step, 1, 0, 1, 1, null, null, Map.of());
        try (Scope scope = Scope.open(); DraftParameters parameters = DraftParameters.random(config, step, Device.CPU)) {
            long count = parameters.layout().size();
            checkpoints.commit(info, claim, parameters, new DraftVocabulary(TARGET_VOCABULARY, new int[] {1, 5, 9}),
                    () -> Tensor.randomNormal(step + 1, 1, count), () -> Tensor.randomNormal(step + 2, 1, count), keep);
        }
    }
}
