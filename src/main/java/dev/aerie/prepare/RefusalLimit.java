package dev.aerie.prepare;

import dev.aerie.store.InvalidStoreException;
import dev.aerie.store.RefusedConversation;
import java.io.Serializable;
import java.util.List;

/**
 * Limits the conversations that a capture may leave out. A few with NaN in their states are caused by their text; many mean that
 * the target is computed wrongly or overflows, which a store of the others would hide.
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
