package dev.aerie.store;

import dev.aerie.files.Folder;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * The generations of a store: the first is what prepare makes, each later one adds shards to the one before it or replaces some.
 * All but the newest are complete; the newest counts once it has its manifest.
 */
final class Generations {

    private static final Pattern FOLDER = Pattern.compile("(\\d{5,9})");

    private final Folder files;
    /** The second and all later ones. */
    private final List<Generation> later;
    private final boolean pending;

    private Generations(Folder files, List<Generation> later, boolean pending) {
        this.files = files;
        this.later = List.copyOf(later);
        this.pending = pending;
    }

    /** @throws InvalidStoreException if the file of a generation is damaged or missing */
    static Generations of(Folder files) throws IOException {
        List<Generation> later = new ArrayList<>();
        for (String name : files.names(StoreLayout.GENERATIONS)) {
            if (FOLDER.matcher(name).matches()) {
                // A folder without the file holds tables of an attempt that has not begun the generation.
                read(files, Integer.parseInt(name)).ifPresent(later::add);
            }
        }
        for (int n = 2; n < later.size() + 2; n++) {
            if (later.get(n - 2).generation() != n) {
                throw new InvalidStoreException("Invalid store " + files.uri() + ": it has no "
                        + StoreLayout.of(n, StoreLayout.GENERATION) + " (expected one of each generation)");
            }
        }
        int begun = later.size() + 1;
        return new Generations(files, later, begun > 1 && !files.exists(StoreLayout.of(begun, StoreLayout.MANIFEST)));
    }

    private static Optional<Generation> read(Folder files, int number) throws IOException {
        String path = StoreLayout.of(number, StoreLayout.GENERATION);
        Optional<byte[]> json = files.read(path);
        if (json.isEmpty()) {
            return Optional.empty();
        }
        Generation read = StoreJson.read(json.get(), Generation.class, path + " of store " + files.uri());
        if (read.generation() != number) {
            throw new InvalidStoreException("Invalid " + path + " of store " + files.uri() + ": generation is "
                    + read.generation() + " (expected " + number + ")");
        }
        return Optional.of(read);
    }

    /** Returns the number of the newest generation that is complete; the first may be incomplete. */
    int newest() {
        return later.size() + (pending ? 0 : 1);
    }

    /** Returns the generation that was begun and is not complete. */
    Optional<Generation> pending() {
        return pending ? Optional.of(later.get(later.size() - 1)) : Optional.empty();
    }

    /** Returns whether no later generation was begun. */
    boolean isLast(int generation) {
        return generation == later.size() + 1;
    }

    /** Returns what a generation is made from and how it is written. */
    StoreSettings settings(int generation) throws IOException {
        return generation == 1 ? HiddenStateStore.readSettings(files) : get(generation).settings();
    }

    /** Returns what a generation from the second on changes. */
    Generation get(int generation) {
        return later.get(generation - 2);
    }

    /** Returns the newest complete generation that conversations were removed in; 1 if there is none. */
    int afterForget() {
        for (int n = newest(); n > 1; n--) {
            if (get(n).operation() == Generation.Operation.FORGET) {
                return n;
            }
        }
        return 1;
    }

    /** @throws InvalidStoreException if a generation is not there, or not any more */
    void requireReadable(int generation) throws IOException {
        if (generation < 1 || generation > newest()) {
            throw new InvalidStoreException("Invalid store " + files.uri() + ": it has no generation " + generation
                    + " (expected " + (newest() == 1 ? "1" : "1 to " + newest()) + ")");
        }
        if (generation < afterForget() && !files.exists(StoreLayout.of(generation, StoreLayout.MANIFEST))) {
            throw new InvalidStoreException("Invalid store " + files.uri() + ": generation " + generation
                    + " held conversations that were removed for good, and vacuum has deleted it (expected "
                    + (afterForget() == newest() ? "" : afterForget() + " to ") + newest() + ")");
        }
    }

    /** Returns the generation that added a shard. */
    int addedIn(int shard) {
        for (Generation one : later) {
            if (one.operation() == Generation.Operation.APPEND && Collections.binarySearch(one.shards(), shard) >= 0) {
                return one.generation();
            }
        }
        return 1;
    }

    /** Returns the folder of the marker that a generation has of a shard: that of the generation which made it last. */
    String markers(int generation, int shard) {
        for (int n = generation; n > 1; n--) {
            if (Collections.binarySearch(get(n).shards(), shard) >= 0) {
                return StoreLayout.of(n, StoreLayout.MARKERS);
            }
        }
        return StoreLayout.MARKERS;
    }
}
