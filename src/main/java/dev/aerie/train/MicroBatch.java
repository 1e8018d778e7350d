package dev.aerie.train;

import dev.aerie.draft.TrainingBatch;
import dev.aerie.text.TokenSequence;
import dev.aerie.torch.Device;
import dev.aerie.torch.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Conversations that a rank runs together, as read from their source; none if all of them were left out. */
record MicroBatch(List<TrainingSample> conversations) implements AutoCloseable {

    /** Takes the next so many conversations, but for those that are left out. */
    static MicroBatch read(ReadAhead reading, int conversations) throws InterruptedException {
        List<TrainingSample> read = new ArrayList<>();
        try {
            for (int i = 0; i < conversations; i++) {
                reading.next().ifPresent(read::add);
            }
            return new MicroBatch(read);
        } catch (InterruptedException | RuntimeException e) {
            read.forEach(TrainingSample::close);
            throw e;
        }
    }

    int tokens() {
        return conversations.stream().mapToInt(c -> c.sequence().length()).sum();
    }

    boolean isEmpty() {
        return conversations.isEmpty();
    }

    /**
     * Concatenates the conversations, of which there is at least one, on a device, in the innermost scope. A tensor of a single
     * conversation is not copied, so this is closed after the batch's use.
     */
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

    @Override
    public void close() {
        conversations.forEach(TrainingSample::close);
    }

    private static Tensor joined(List<Tensor> parts) {
        return parts.size() == 1 ? parts.get(0) : Tensor.cat(0, parts);
    }
}
