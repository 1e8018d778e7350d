package dev.aerie.train;

import dev.aerie.errors.RefusalException;
import java.io.Serializable;

/** What one optimizer step is made of, over all ranks together. */
public sealed interface BatchSize extends Serializable {

    /** So many conversations, whatever their lengths. */
    record Conversations(int count) implements BatchSize {
        public Conversations {
            if (count < 1) {
                throw new RefusalException("Invalid batch_conversations: " + count + " (expected at least 1)");
            }
        }
    }

    /** As many conversations as have at most so many tokens together, and at least one. */
    record Tokens(long count) implements BatchSize {
        public Tokens {
            if (count < 1) {
                throw new RefusalException("Invalid global_batch_tokens: " + count + " (expected at least 1)");
            }
        }
    }
}
