package dev.aerie.train;

import dev.aerie.errors.Choice;

/** What a training does at a conversation that has a corrupt chunk. */
public enum CorruptChunks implements Choice {
    /** It ends, naming the shard. */
    STOP,
    /** It leaves the conversation out, and counts it. */
    SKIP
}
