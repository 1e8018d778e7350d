package dev.aerie.prepare;

import dev.aerie.store.InvalidStoreException;
import dev.aerie.store.RefusedConversation;
import java.io.Serializable;
import java.util.List;

/**
 * How many conversations a capture may go on without. A few with NaN in their states are an accident of their text; many are a
 * target that is computed wrongly or overflows, and a store of the rest would hide it.
 *
 * @param share of the conversations, as the recipe says
 * @param conversations of the plan
 */
record RefusalLimit(double share, long conversations) implements Serializable {

    /** @throws InvalidStoreException where there are more than allowed, with the first of them */
    void require(List<RefusedConversation> refused) {
        if (refused.size() > share * conversations) {
            RefusedConversation first = refused.get(0);
            throw new InvalidStoreException("Too many conversations refused: " + refused.size() + " of " + conversations
                    + " (expected at most the share " + share + " that store.max_refused_share allows); the first is "
                    + first.id() + ": " + first.reason());
        }
    }
}
