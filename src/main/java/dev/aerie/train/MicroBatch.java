package dev.aerie.train;

import dev.aerie.draft.TrainingBatch;
import dev.aerie.text.TokenSequence;
import dev.aerie.torch.Device;
import dev.aerie.torch.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Conversations that a rank runs together, as read from their source. */
record MicroBatch(List<TrainingSample> conversations) {

    boolean isEmpty() {
        return conversations.isEmpty();
    }

    int tokens() {
        return conversations.stream().mapToInt(c -> c.sequence().length()).sum();
    }

    /** Concatenates the conversations on a device, in the innermost scope. */
    TrainingBatch pack(Device device) {
        TokenSequence packed = TokenSequence.concatenated(
                conversations.stream().map(TrainingSample::sequence).toList());
        long[] bounds = new long[conversations.size() + 1];
        List<Tensor> aux = new ArrayList<>();
        List<Tensor> states = new ArrayList<>();
        List<long[]> rows = new ArrayList<>();
        for (int s = 0; s < conversations.size(); s++) {
            TrainingSample c = conversations.get(s);
            int start = (int) bounds[s];
            bounds[s + 1] = start + c.sequence().length();
            aux.add(c.aux().to(device));
            states.add(c.teacherStates().to(device));
            rows.add(Arrays.stream(c.teacherRows()).mapToLong(r -> start + r).toArray());
        }
        return new TrainingBatch(packed, bounds, joined(aux), joined(states),
                rows.stream().flatMapToLong(Arrays::stream).toArray());
    }

    private static Tensor joined(List<Tensor> parts) {
        return parts.size() == 1 ? parts.get(0) : Tensor.cat(0, parts);
    }
}
