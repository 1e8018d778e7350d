package dev.aerie.evaluate;

import dev.aerie.torch.Tensor;

/** Something that guesses the next tokens of texts as a chain, from what the target captured of them. */
interface ChainDraft {

    /** Begins a text of at most so many tokens. */
    Text begin(int capacity);

    /** The draft's side of one text. Used by one thread. */
    interface Text extends AutoCloseable {

        /**
         * Learns what the target has verified; guesses made before are forgotten.
         *
         * @param aux [n, 3 · hidden] captured states of the next n tokens that the target has read
         * @param following the token after each of them; the last one is the newest token of the text
         */
        void extend(Tensor aux, long[] following);

        /** The tokens that would follow the newest one. */
        long[] propose(int count);

        @Override
        void close();
    }
}
