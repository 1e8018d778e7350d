package dev.aerie.prepare;

import java.io.Serializable;

/** Points of a shard's life at which a test may let its task die. */
interface ShardObserver extends Serializable {

    ShardObserver NONE = new ShardObserver() {};

    /** The file is written and no marker names it. */
    default void beforeCommit(int shard) {}

    /** The marker is there and the task has not ended. */
    default void afterCommit(int shard) {}
}
