package dev.aerie.store;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * The outcome of reading a store again, shard by shard, and checking it against its markers.
 *
 * @param shards number of shards read
 * @param conversations number of conversations read without a problem
 * @param tokens their tokens
 * @param bytes bytes of the files read
 * @param damaged numbers of the committed shards with a problem, ascending
 * @param problems one sentence each; empty for a sound store
 */
public record StoreVerification(
        int shards, long conversations, long tokens, long bytes, List<Integer> damaged, List<String> problems) {

    /** Verifies all shards in this process, one after the other. */
    public static StoreVerification of(HiddenStateStore store) throws IOException {
        List<ShardVerification> verified = new ArrayList<>();
        for (CommittedShard shard : store.shards()) {
            verified.add(ShardVerification.of(store.files(), store.settings(), store.markers(shard.shard()), shard));
        }
        return of(store, verified);
    }

    /** Sums up the verification of every committed shard, and checks what concerns several of them. */
    public static StoreVerification of(HiddenStateStore store, List<ShardVerification> shards) {
        List<String> problems = new ArrayList<>();
        store.missingShards().forEach(missing -> problems.add("Shard " + missing + " is not committed"));
        shards.forEach(shard -> problems.addAll(shard.problems()));
        Set<String> ids = new HashSet<>();
        for (CommittedShard shard : store.shards()) {
            for (ConversationEntry entry : shard.conversations()) {
                if (!ids.add(entry.part().text() + "/" + entry.id())) {
                    problems.add("Conversation " + entry.id() + " is stored twice, the second time in " + shard.path());
                }
            }
        }
        return new StoreVerification(shards.size(),
                shards.stream().mapToLong(ShardVerification::conversations).sum(),
                shards.stream().mapToLong(ShardVerification::tokens).sum(),
                shards.stream().mapToLong(ShardVerification::bytes).sum(),
                shards.stream().filter(shard -> !shard.problems().isEmpty()).map(ShardVerification::shard).sorted().toList(),
                List.copyOf(problems));
    }
}
