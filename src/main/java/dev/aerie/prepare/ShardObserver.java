package dev.aerie.prepare;

import java.io.Serializable;

/** Points during a shard's task at which a test may kill it. */
interface ShardObserver extends Serializable {

    ShardObserver NONE = new ShardObserver() {};

    /** The file is written and no marker names it. */
    default void beforeCommit(int shard) {}

    /** The marker exists and the task has not ended. */
    default void afterCommit(int shard) {}
}
