package dev.aerie.train;

import java.io.Serializable;

/** The size of an optimizer step, over all ranks together. */
public sealed interface BatchSize extends Serializable {

    /** A number of conversations, whatever their lengths. */
    record Conversations(int count) implements BatchSize {}

    /** As many conversations as have at most this many tokens together, and at least one. */
    record Tokens(long count) implements BatchSize {}
}
