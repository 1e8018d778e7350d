package dev.aerie.evaluate;

import dev.aerie.torch.Tensor;

/** A draft that proposes the next tokens of texts as a chain, from the target's captured states. */
interface ChainDraft {

    /** Begins a text of at most this many tokens. */
    Text begin(int capacity);

    /** The draft's state for one text. Used by one thread. */
    interface Text extends AutoCloseable {

        /**
         * Appends tokens that the target has verified and discards earlier proposals.
         *
         * @param aux [n, 3 · hidden] captured states of the next n tokens that the target has processed
         * @param following the token after each of them; the last one is the newest token of the text
         */
        void extend(Tensor aux, long[] following);

        /** Proposes the tokens after the newest one. */
        long[] propose(int count);

        @Override
        void close();
    }
}
