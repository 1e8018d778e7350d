package dev.aerie.store;

import dev.aerie.torch.Finite;
import dev.aerie.torch.Scope;
import dev.aerie.files.Sha256;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;

/**
 * Reads a store again and checks it against its markers: every file's length and SHA-256, every page's checksum, every
 * conversation's rows, and that all states are finite.
 *
 * @param shards number of shards read
 * @param conversations number of conversations read without a problem
 * @param tokens their tokens
 * @param bytes bytes of the files read
 * @param problems one sentence each; empty for a sound store
 */
public record StoreVerification(int shards, long conversations, long tokens, long bytes, List<String> problems) {

    /** @param progress called after each shard */
    public static StoreVerification of(HiddenStateStore store, Consumer<CommittedShard> progress) throws IOException {
        List<String> problems = new ArrayList<>();
        Set<String> ids = new HashSet<>();
        long conversations = 0;
        long tokens = 0;
        long bytes = 0;
        for (int missing : store.missingShards()) {
            problems.add("Shard " + missing + " is not committed");
        }
        for (CommittedShard shard : store.shards()) {
            markerProblem(store, shard).ifPresent(problems::add);
            digestProblem(store, shard).ifPresent(problems::add);
            bytes += shard.bytes();
            try (ShardReader reader = store.reader(shard)) {
                for (Optional<StoredConversation> c = reader.next(); c.isPresent(); c = reader.next()) {
                    contentProblem(shard, c.get()).ifPresent(problems::add);
                    if (!ids.add(c.get().part().text() + "/" + c.get().id())) {
                        problems.add("Conversation " + c.get().id() + " is stored twice, the second time in " + shard.path());
                    }
                    conversations++;
                    tokens += c.get().tokens();
                }
            } catch (InvalidStoreException e) {
                problems.add(e.getMessage());
            }
            progress.accept(shard);
        }
        return new StoreVerification(store.shards().size(), conversations, tokens, bytes, List.copyOf(problems));
    }

    /** Compares a shard with its marker: a complete store is read by its manifest, which may differ from the markers. */
    private static Optional<String> markerProblem(HiddenStateStore store, CommittedShard shard) throws IOException {
        try {
            return Markers.read(store.files(), shard.shard()).equals(shard)
                    ? Optional.empty()
                    : Optional.of("Shard " + shard.shard() + " differs between the manifest and its marker");
        } catch (FileNotFoundException e) {
            return Optional.of("Shard " + shard.shard() + " has no marker");
        } catch (InvalidStoreException e) {
            return Optional.of(e.getMessage());
        }
    }

    /** Compares a shard's file with the SHA-256 of its marker. */
    static Optional<String> digestProblem(HiddenStateStore store, CommittedShard shard) throws IOException {
        String found;
        try (InputStream in = store.files().open(shard.path())) {
            found = Sha256.of(in);
        } catch (FileNotFoundException e) {
            return Optional.of("Invalid shard " + shard.path() + ": no such file (expected the one its marker names)");
        }
        return found.equals(shard.sha256())
                ? Optional.empty()
                : Optional.of("Invalid shard " + shard.path() + ": SHA-256 is " + found + " (expected " + shard.sha256() + ")");
    }

    private static Optional<String> contentProblem(CommittedShard shard, StoredConversation conversation) {
        try (Scope scope = Scope.open()) {
            boolean finite = Finite.firstViolation(conversation.aux()) < 0
                    && Finite.firstViolation(conversation.teacherStates()) < 0;
            return finite
                    ? Optional.empty()
                    : Optional.of("Conversation " + conversation.id() + " in " + shard.path() + " holds NaN or infinity");
        }
    }
}
