package dev.aerie.draft;

import dev.aerie.text.DraftVocabulary;
import dev.aerie.torch.Device;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;
import java.util.Arrays;

/** The draft vocabulary in both directions: draft id to target id on the device, target id to draft id on the host. */
final class VocabularyIndex implements AutoCloseable {

    private final Scope scope = Scope.detached();
    private final Tensor targetIds;
    private final int[] draftIds;

    VocabularyIndex(DraftVocabulary vocabulary, Device device) {
        int[] ids = vocabulary.ids();
        draftIds = new int[vocabulary.targetSize()];
        Arrays.fill(draftIds, -1);
        for (int i = 0; i < ids.length; i++) {
            draftIds[ids[i]] = i;
        }
        try (Scope making = Scope.open()) {
            targetIds = scope.adopt(Tensor.of(Arrays.stream(ids).asLongStream().toArray(), ids.length).to(device));
        }
    }

    /** Returns int64 [draft vocabulary], ascending. */
    Tensor targetIds() {
        return targetIds;
    }

    /** Returns the draft id; −1 if the draft cannot propose the token. */
    int draftId(int targetId) {
        return draftIds[targetId];
    }

    @Override
    public void close() {
        scope.close();
    }
}
