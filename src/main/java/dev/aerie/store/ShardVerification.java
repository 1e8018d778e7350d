package dev.aerie.store;

import dev.aerie.files.Folder;
import dev.aerie.files.Sha256;
import dev.aerie.torch.Finite;
import dev.aerie.torch.Scope;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;

/**
 * Reads one shard again and checks it against its marker: the file's length and SHA-256, every page's checksum, every
 * conversation's rows, and that all states are finite.
 *
 * @param shard number of the shard
 * @param conversations number of conversations read without a problem
 * @param tokens their tokens
 * @param bytes bytes of the file
 * @param problems one sentence each; empty for a sound shard
 */
public record ShardVerification(int shard, long conversations, long tokens, long bytes, List<String> problems)
        implements Serializable {

    /**
     * Verifies a shard of a store that was opened elsewhere; reads store.json, the shard's marker and its file.
     *
     * @param generation of the store that the shard is verified for
     * @param expected as the manifest, or else the marker, describes the shard
     */
    public static ShardVerification of(String uri, Configuration conf, int generation, CommittedShard expected) throws IOException {
        Folder files = Folder.at(uri, conf);
        String markers = generation == 1 ? StoreLayout.MARKERS : Generations.of(files).markers(generation, expected.shard());
        return of(files, HiddenStateStore.readSettings(files), markers, expected);
    }

    static ShardVerification of(Folder files, StoreSettings settings, String markers, CommittedShard shard) throws IOException {
        List<String> problems = new ArrayList<>();
        markerProblem(files, markers, shard).ifPresent(problems::add);
        digestProblem(files, shard).ifPresent(problems::add);
        long conversations = 0;
        long tokens = 0;
        try (ShardReader reader = new ShardReader(files, settings, shard, StateSelection.all(settings.states()))) {
            for (Optional<StoredConversation> c = reader.next(); c.isPresent(); c = reader.next()) {
                contentProblem(shard, c.get()).ifPresent(problems::add);
                conversations++;
                tokens += c.get().tokens();
            }
        } catch (InvalidStoreException e) {
            problems.add(e.getMessage());
        }
        return new ShardVerification(shard.shard(), conversations, tokens, shard.bytes(), List.copyOf(problems));
    }

    /** Compares a shard with its marker: a complete store is read by its manifest, which may differ from the markers. */
    private static Optional<String> markerProblem(Folder files, String markers, CommittedShard shard) throws IOException {
        try {
            return Markers.read(files, markers, shard.shard()).equals(shard)
                    ? Optional.empty()
                    : Optional.of("Shard " + shard.shard() + " differs between the manifest and its marker");
        } catch (FileNotFoundException e) {
            return Optional.of("Shard " + shard.shard() + " has no marker");
        } catch (InvalidStoreException e) {
            return Optional.of(e.getMessage());
        }
    }

    /** Compares a shard's file with the SHA-256 of its marker. */
    static Optional<String> digestProblem(Folder files, CommittedShard shard) throws IOException {
        String found;
        try (InputStream in = files.open(shard.path())) {
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
