package dev.aerie.table;

import dev.aerie.store.ShardReference;
import java.io.Serializable;
import java.util.List;

/**
 * The conversations that are read of one shard, in its order.
 *
 * @param shard the shard; null if its file is not opened
 * @param whole whether they are all of the shard's
 */
record ShardSlice(ShardReference shard, List<ListedConversation> conversations, boolean whole) implements Serializable {}
