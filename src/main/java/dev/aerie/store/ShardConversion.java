package dev.aerie.store;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.Serializable;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.apache.hadoop.conf.Configuration;

/**
 * The conversion of one shard, for any process that reaches both stores. Its bytes follow from the source's shard alone.
 *
 * @param from folder of the store that is converted
 * @param generation of it that is converted
 * @param shard number of the shard in both
 * @param sha256 of the source's file
 * @param to folder of a store that {@link StoreConversion#begin} has made
 */
public record ShardConversion(String from, int generation, int shard, String sha256, String to) implements Serializable {

    /**
     * Converts the shard and verifies what was written before its marker makes it count.
     *
     * @return empty if another process has converted it
     * @throws InvalidStoreException if the source's shard is damaged or another than it was, or what was written is not what is
     *     read again
     */
    public Optional<CommittedShard> run(Configuration conf) throws IOException {
        StoreShards source = StoreShards.of(from, conf, generation);
        CommittedShard marker = source.find(shard).orElseThrow(() -> new FileNotFoundException("the marker of shard " + shard
                + " of " + source));
        if (!marker.sha256().equals(sha256)) {
            throw new InvalidStoreException("Invalid store " + source + ": shard " + shard + " is another than in its manifest ("
                    + "expected SHA-256 " + sha256 + "; jobs/aerie repair restores it)");
        }
        Optional<ShardWriter> attempt = HiddenStateStore.attempt(to, conf, shard);
        if (attempt.isEmpty()) {
            return Optional.empty();
        }
        try (ShardWriter writer = attempt.get()) {
            Optional<String> problem = ShardVerification.digestProblem(source.files(), marker);
            if (problem.isPresent()) {
                throw new InvalidStoreException(problem.get());
            }
            return Optional.of(convert(source, marker, writer));
        }
    }

    private static CommittedShard convert(StoreShards source, CommittedShard marker, ShardWriter writer) throws IOException {
        StateLayout states = source.settings().states();
        StateConversion conversion =
                new StateConversion(states.codec(), writer.settings().states().codec(), states.hiddenSize());
        Map<Integer, RefusedConversation> refused =
                marker.refused().stream().collect(Collectors.toMap(RefusedConversation::place, r -> r));
        try (ShardReader reader = source.reader(marker, StateSelection.all(states))) {
            for (int place = 0; place < marker.conversations().size() + refused.size(); place++) {
                RefusedConversation before = refused.get(place);
                if (before != null) {
                    writer.refuse(before.id(), before.part(), before.tokens(), before.reason());
                } else {
                    convert(reader.next().orElseThrow(), conversion, writer);
                }
            }
        }
        return writer.commit(written -> requireSame(source, marker, conversion, writer, written)).shard();
    }

    private static void convert(StoredConversation conversation, StateConversion conversion, ShardWriter writer) throws IOException {
        try {
            writer.write(conversation, conversion);
        } catch (NonFiniteStateException e) {
            writer.refuse(conversation.id(), conversation.part(), conversation.tokens(), e.getMessage());
        }
    }

    /** Reads both again: what the disk, the codec or the container changed has no marker yet. */
    private static void requireSame(
            StoreShards source, CommittedShard marker, StateConversion conversion, ShardWriter target, CommittedShard written) {
        try (ShardReader reader = source.reader(marker, StateSelection.all(source.settings().states()));
                ShardReader again = target.reader(written)) {
            for (Optional<StoredConversation> found = again.next(); found.isPresent(); found = again.next()) {
                Optional<StoredConversation> expected = reader.next();
                while (expected.isPresent() && !isOf(expected.get(), found.get())) {
                    expected = reader.next();
                }
                if (expected.isEmpty() || !found.get().agrees(expected.get(), conversion)) {
                    throw new InvalidStoreException("Invalid shard " + written.path() + ": conversation " + found.get().id()
                            + " is not what was converted (expected that of " + source + ")");
                }
            }
        }
    }

    private static boolean isOf(StoredConversation expected, StoredConversation found) {
        return expected.id().equals(found.id()) && expected.part() == found.part();
    }
}
