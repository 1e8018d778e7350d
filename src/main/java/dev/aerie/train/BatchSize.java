package dev.aerie.train;

import java.io.Serializable;

/** What one optimizer step is made of, over all ranks together. */
public sealed interface BatchSize extends Serializable {

    /** So many conversations, whatever their lengths. */
    record Conversations(int count) implements BatchSize {}

    /** As many conversations as have at most so many tokens together, and at least one. */
    record Tokens(long count) implements BatchSize {}
}
