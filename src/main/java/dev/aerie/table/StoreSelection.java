package dev.aerie.table;

import dev.aerie.store.CommittedShard;
import dev.aerie.store.ConversationEntry;
import dev.aerie.store.HiddenStateStore;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.apache.spark.sql.SparkSession;

/**
 * The conversations of a store that satisfy some conditions.
 *
 * @param options of the read
 */
record StoreSelection(HiddenStateStore store, ReadOptions options, List<Condition> conditions) {

    /** Returns the rows of the table without reading anything but what the conditions need. */
    long rows() {
        long[] rows = new long[1];
        forEachShard(false, slice -> rows[0] += slice.conversations().stream().mapToLong(this::rows).sum());
        return rows[0];
    }

    /** Returns the rows that a conversation makes. */
    long rows(ListedConversation conversation) {
        return options.rows() == RowKind.TOKENS ? conversation.entry().tokens() : 1;
    }

    /**
     * Calls an action with the conversations of each shard that has some.
     *
     * @param source whether the action needs their sources
     */
    void forEachShard(boolean source, Consumer<ShardConversations> action) {
        ConversationSources sources = source || conditions.stream().anyMatch(Condition::needsSource)
                ? ConversationSources.read(SparkSession.active(), store, options.hadoop()) : null;
        for (CommittedShard shard : store.shards()) {
            List<ListedConversation> accepted = new ArrayList<>();
            for (ConversationEntry entry : shard.conversations()) {
                ListedConversation listed = new ListedConversation(shard.shard(), entry,
                        sources == null ? null : sources.of(entry.part(), entry.id()));
                if (conditions.stream().allMatch(condition -> condition.accepts(listed))) {
                    accepted.add(listed);
                }
            }
            if (!accepted.isEmpty()) {
                action.accept(new ShardConversations(shard, accepted));
            }
        }
    }

    record ShardConversations(CommittedShard shard, List<ListedConversation> conversations) {

        boolean whole() {
            return conversations.size() == shard.conversations().size();
        }
    }
}
