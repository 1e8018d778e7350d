package dev.aerie.store;

import dev.aerie.files.Folder;
import java.io.IOException;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.hadoop.conf.Configuration;

/** Writes a shard of a generation again without some conversations. The states of all others are copied: no target is needed. */
public final class ShardRewrite {

    private ShardRewrite() {}

    /** Returns how a conversation is named among those that are kept. */
    public static String name(Part part, String id) {
        return part.text() + "/" + id;
    }

    /**
     * Commits a shard of a generation that was begun, unless it is committed.
     *
     * @param kept {@link #name names} of the conversations that stay
     * @throws InvalidStoreException if the shard of the generation before is damaged
     */
    public static void run(String uri, Configuration conf, int generation, int shard, Set<String> kept) throws IOException {
        Optional<ShardWriter> attempt = HiddenStateStore.attempt(uri, conf, generation, shard);
        if (attempt.isEmpty()) {
            return;
        }
        Folder files = Folder.at(uri, conf);
        Generations generations = Generations.of(files);
        CommittedShard before = Markers.read(files, generations.markers(generation - 1, shard), shard);
        StoreSettings settings = generations.settings(generation - 1);
        StateLayout states = settings.states();
        StateConversion same = new StateConversion(states.codec(), states.codec(), states.hiddenSize());
        Map<Integer, RefusedConversation> refused =
                before.refused().stream().collect(Collectors.toMap(RefusedConversation::place, r -> r));
        try (ShardWriter writer = attempt.get()) {
            Optional<String> problem = ShardVerification.digestProblem(files, before);
            if (problem.isPresent()) {
                throw new InvalidStoreException(problem.get() + "; repair makes it again");
            }
            try (ShardReader reader = new ShardReader(files, settings, before, StateSelection.all(states))) {
                for (int place = 0; place < before.conversations().size() + refused.size(); place++) {
                    RefusedConversation left = refused.get(place);
                    if (left == null) {
                        StoredConversation conversation = reader.next().orElseThrow();
                        if (kept.contains(name(conversation.part(), conversation.id()))) {
                            writer.write(conversation, same);
                        }
                    } else if (kept.contains(name(left.part(), left.id()))) {
                        writer.refuse(left.id(), left.part(), left.tokens(), left.reason());
                    }
                }
            }
            writer.commit();
        }
    }
}
