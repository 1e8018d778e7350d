package dev.aerie.train;

import dev.aerie.draft.TrainingBatch;
import dev.aerie.torch.Device;
import dev.aerie.torch.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Conversations that a rank runs at once, as they were read. */
record MicroBatch(List<HiddenStateSource.Conversation> conversations) {

    int tokens() {
        return conversations.stream().mapToInt(c -> c.ids().length).sum();
    }

    /** The conversations end to end, on a device, in the innermost scope. */
    TrainingBatch pack(Device device) {
        int total = tokens();
        long[] ids = new long[total];
        boolean[] supervised = new boolean[total];
        long[] bounds = new long[conversations.size() + 1];
        List<Tensor> aux = new ArrayList<>();
        List<Tensor> states = new ArrayList<>();
        List<long[]> rows = new ArrayList<>();
        for (int s = 0; s < conversations.size(); s++) {
            HiddenStateSource.Conversation c = conversations.get(s);
            int start = (int) bounds[s];
            int[] own = c.ids();
            for (int t = 0; t < own.length; t++) {
                ids[start + t] = own[t];
            }
            System.arraycopy(c.supervised(), 0, supervised, start, own.length);
            bounds[s + 1] = start + own.length;
            aux.add(c.aux().to(device));
            states.add(c.teacherStates().to(device));
            rows.add(Arrays.stream(c.teacherRows()).mapToLong(r -> start + r).toArray());
        }
        return new TrainingBatch(ids, supervised, bounds, joined(aux), joined(states),
                rows.stream().flatMapToLong(Arrays::stream).toArray());
    }

    private static Tensor joined(List<Tensor> parts) {
        return parts.size() == 1 ? parts.get(0) : Tensor.cat(0, parts);
    }
}
