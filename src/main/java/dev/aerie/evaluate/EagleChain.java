package dev.aerie.evaluate;

import dev.aerie.draft.DraftDecoder;
import dev.aerie.torch.Tensor;

/** Adapts an EAGLE-3 draft to {@link ChainDraft}. */
record EagleChain(DraftDecoder decoder) implements ChainDraft {

    @Override
    public Text begin(int capacity) {
        DraftDecoder.Text text = decoder.begin(capacity);
        return new Text() {
            @Override
            public void extend(Tensor aux, long[] following) {
                text.extend(aux, following);
            }

            @Override
            public long[] propose(int count) {
                return text.propose(count);
            }

            @Override
            public void close() {
                text.close();
            }
        };
    }
}
