package dev.aerie.store;

import dev.aerie.files.Folder;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;

/**
 * A hidden-state store: a folder on any Hadoop file system, in the format of docs/store.md.
 *
 * <p>The unit of work is a shard, written by {@link #writer}. It counts once its marker exists, so killed tasks, repeated
 * attempts and restarts do not change what a reader sees.
 */
public final class HiddenStateStore {

    private static final Pattern SHARD_FILE = Pattern.compile(StoreLayout.SHARDS + "/\\.?shard-(\\d{5,9})-.*");

    private final Folder files;
    private final Generations generations;
    private final int generation;
    private final StoreSettings settings;
    private final List<CommittedShard> shards;

    private HiddenStateStore(
            Folder files, Generations generations, int generation, StoreSettings settings, List<CommittedShard> shards) {
        this.files = files;
        this.generations = generations;
        this.generation = generation;
        this.settings = settings;
        this.shards = List.copyOf(shards);
    }

    /**
     * Creates a store, or opens one that was created with the same settings.
     *
     * @param uri a folder, with or without scheme
     * @return the store with the shards that are committed already
     * @throws InvalidStoreException if the folder has a store with other settings, naming the field, or if the file system cannot
     *     keep two attempts at a shard apart
     */
    public static HiddenStateStore create(String uri, Configuration conf, StoreSettings settings) throws IOException {
        Folder files = Folder.at(uri, conf);
        byte[] json = StoreJson.pretty(settings);
        if (files.createExclusive(StoreLayout.SETTINGS, json)) {
            requireExclusive(files, json);
        } else {
            readSettings(files).requireSame(settings, files.uri());
        }
        return open(files, Generations.of(files), 1);
    }

    private static void requireExclusive(Folder files, byte[] json) throws IOException {
        if (files.overwritesExclusive(StoreLayout.SETTINGS, json)) {
            throw new InvalidStoreException("Invalid store " + files.uri()
                    + ": its S3 overwrites an object on a PUT with If-None-Match: * (expected one that answers 412)");
        }
    }

    /**
     * Opens the newest complete generation of a store for reading.
     *
     * @throws InvalidStoreException if there is no store, it is damaged, or some shards are not committed
     */
    public static HiddenStateStore open(String uri, Configuration conf) throws IOException {
        HiddenStateStore store = openPartial(uri, conf);
        store.requireComplete();
        return store;
    }

    /**
     * Opens a generation of a store for reading.
     *
     * @param generation from 1
     * @throws InvalidStoreException likewise, and if there is no such generation or it was deleted
     */
    public static HiddenStateStore open(String uri, Configuration conf, int generation) throws IOException {
        Folder files = Folder.at(uri, conf);
        readSettings(files);
        Generations generations = Generations.of(files);
        generations.requireReadable(generation);
        HiddenStateStore store = open(files, generations, generation);
        store.requireComplete();
        return store;
    }

    /**
     * Opens the newest complete generation of a store, or its first one, which may still be growing, with the shards committed so
     * far.
     *
     * @throws InvalidStoreException if there is no store or it is damaged
     */
    public static HiddenStateStore openPartial(String uri, Configuration conf) throws IOException {
        Folder files = Folder.at(uri, conf);
        readSettings(files);
        Generations generations = Generations.of(files);
        return open(files, generations, generations.newest());
    }

    /**
     * Opens the generation that an append or a forget has begun and not finished, with the shards it has committed so far.
     *
     * @return empty if there is none
     */
    public static Optional<HiddenStateStore> openPending(String uri, Configuration conf) throws IOException {
        Folder files = Folder.at(uri, conf);
        Generations generations = Generations.of(files);
        return generations.pending().isEmpty()
                ? Optional.empty() : Optional.of(open(files, generations, generations.pending().get().generation()));
    }

    /**
     * Refuses a store that was changed since it was made, for who would make it: missing shards may be those that were removed.
     *
     * @throws InvalidStoreException if an append or a forget has begun a further generation
     */
    public static void requireNotChanged(String uri, Configuration conf) throws IOException {
        Folder files = Folder.at(uri, conf);
        if (!Generations.of(files).isLast(1)) {
            throw new InvalidStoreException("Invalid store " + files.uri()
                    + ": it was changed by append or forget since it was made (expected prepare --append, which adds what it "
                    + "lacks)");
        }
    }

    /**
     * Refuses a store some of whose shards may be evicted.
     *
     * @throws InvalidStoreException if it is or was a rolling one
     */
    public static void requireNotRolling(String uri, Configuration conf) throws IOException {
        Folder files = Folder.at(uri, conf);
        if (files.exists(StoreLayout.ROLLING)) {
            throw new InvalidStoreException("Invalid store " + files.uri()
                    + ": it is a rolling one (expected one that has all of its shards)");
        }
    }

    /** Returns whether the folder has a store, complete or not. */
    public static boolean exists(String uri, Configuration conf) throws IOException {
        return Folder.at(uri, conf).read(StoreLayout.SETTINGS).isPresent();
    }

    /**
     * Reads what a store is made from and how it is written, and no markers.
     *
     * @throws InvalidStoreException if there is no store or its store.json is damaged
     */
    public static StoreSettings settings(String uri, Configuration conf) throws IOException {
        return readSettings(Folder.at(uri, conf));
    }

    static HiddenStateStore open(Folder files, Generations generations, int generation) throws IOException {
        StoreSettings settings = generations.settings(generation);
        String manifest = StoreLayout.of(generation, StoreLayout.MANIFEST);
        Optional<List<CommittedShard>> listed = manifest(files, manifest, settings);
        List<CommittedShard> shards;
        if (listed.isPresent()) {
            shards = listed.get();
        } else {
            shards = Markers.readAll(files, StoreLayout.of(generation, StoreLayout.MARKERS));
            for (int shard : numbers(shards)) {
                if (shard >= settings.planned().shards()) {
                    throw new InvalidStoreException("Invalid store " + files.uri() + ": shard " + shard
                            + " is committed (expected 0 to "
                            + (settings.planned().shards() - 1) + ")");
                }
            }
            if (generation > 1) {
                shards = withOlder(open(files, generations, generation - 1), generations.get(generation), shards);
            }
        }
        return new HiddenStateStore(files, generations, generation, settings, shards);
    }

    /** Adds the shards that a generation has from the one before it. */
    private static List<CommittedShard> withOlder(HiddenStateStore before, Generation changes, List<CommittedShard> own) {
        Set<Integer> made = Set.copyOf(changes.shards());
        return Stream.concat(before.shards.stream().filter(shard -> !made.contains(shard.shard())), own.stream())
                .sorted(Comparator.comparingInt(CommittedShard::shard)).toList();
    }

    /** Returns the shards of a manifest, if there is one. */
    private static Optional<List<CommittedShard>> manifest(Folder files, String path, StoreSettings settings) throws IOException {
        String name = "manifest " + files.path(path);
        Optional<Manifest> manifest = StoreJson.read(files, path, Manifest.class, name);
        if (manifest.isEmpty()) {
            return Optional.empty();
        }
        List<CommittedShard> shards = manifest.get().shards();
        if (shards.size() != settings.planned().shards()) {
            throw new InvalidStoreException("Invalid " + name + ": " + shards.size() + " shards (expected "
                    + settings.planned().shards() + ")");
        }
        for (int i = 0; i < shards.size(); i++) {
            if (shards.get(i).shard() != i) {
                throw new InvalidStoreException("Invalid " + name + ": shard " + shards.get(i).shard() + " (expected " + i + ")");
            }
        }
        return Optional.of(shards);
    }

    static StoreSettings readSettings(Folder files) throws IOException {
        byte[] json = files.read(StoreLayout.SETTINGS)
                .orElseThrow(() -> new InvalidStoreException("Invalid store " + files.uri()
                        + ": it has no store.json (expected a folder that prepare has written)"));
        return StoreJson.read(json, StoreSettings.class, StoreLayout.SETTINGS + " of store " + files.uri());
    }

    /** Returns the store with the shards that are committed by now; those of a complete store never change. */
    HiddenStateStore current() throws IOException {
        return missingShards().isEmpty() ? this : open(files, generations, generation);
    }

    private static List<Integer> numbers(List<CommittedShard> shards) {
        return shards.stream().map(CommittedShard::shard).toList();
    }

    /** Returns the folder as an absolute URI, which means the same in every process. */
    public String uri() {
        return files.uri();
    }

    /** Returns what this generation is made from and how it is written. */
    public StoreSettings settings() {
        return settings;
    }

    /** Returns the files beside the shards that the newest complete generation of a store reads; reads no markers. */
    public static StoreTables tables(String uri, Configuration conf) throws IOException {
        return openWithoutShards(uri, conf).tables();
    }

    /**
     * Begins the generation after this one, unless another process has begun it.
     *
     * @return the generation that was begun, this one or another's: {@link #changes} tells
     * @throws InvalidStoreException if this generation is not complete
     */
    public HiddenStateStore begin(Generation next) throws IOException {
        requireComplete();
        if (next.generation() != generation + 1) {
            throw new IllegalArgumentException(
                    "Invalid generation: " + next.generation() + " (expected " + (generation + 1) + ")");
        }
        files.createOrRead(StoreLayout.of(next.generation(), StoreLayout.GENERATION), StoreJson.pretty(next));
        return open(files, Generations.of(files), next.generation());
    }

    /** Returns the number of this generation, from 1. */
    public int generation() {
        return generation;
    }

    /** Returns what this generation changed; empty for the first. */
    public Optional<Generation> changes() {
        return generation == 1 ? Optional.empty() : Optional.of(generations.get(generation));
    }

    /** Returns the files beside the shards that this generation reads. */
    public StoreTables tables() {
        return generation == 1 ? StoreTables.FIRST : generations.get(generation).tables();
    }

    /** Returns the generation that added a shard's conversations. */
    public int addedIn(int shard) {
        return generations.addedIn(shard);
    }

    /** Returns the folder of a shard's marker. */
    String markers(int shard) {
        return generations.markers(generation, shard);
    }

    /** Returns the shards committed when the store was opened, ascending. */
    public List<CommittedShard> shards() {
        return shards;
    }

    /** Returns the conversations of one part, in the order of the plan. */
    public Stream<ConversationEntry> conversations(Part part) {
        return shards.stream().flatMap(s -> s.conversations().stream()).filter(c -> c.part() == part);
    }

    /** Returns the numbers of planned shards that were not committed when the store was opened. */
    public List<Integer> missingShards() {
        BitSet committed = new BitSet();
        shards.forEach(shard -> committed.set(shard.shard()));
        return IntStream.range(0, settings.planned().shards()).filter(s -> !committed.get(s)).boxed().toList();
    }

    /** @throws InvalidStoreException if a shard was not committed when the store was opened */
    public void requireComplete() {
        if (!missingShards().isEmpty()) {
            throw new InvalidStoreException("Invalid store " + uri() + ": " + shards.size() + " of " + settings.planned().shards()
                    + " shards are committed (expected all; run prepare again to finish it)");
        }
    }

    /** Opens a committed shard to read all of its states. */
    public ShardReader reader(CommittedShard shard) {
        return reader(shard, StateSelection.all(settings.states()));
    }

    /** Opens a committed shard to read some of its states. */
    public ShardReader reader(CommittedShard shard, StateSelection selection) {
        return new ShardReader(files, settings, shard, selection);
    }

    /** Returns what another process needs to open a committed shard. */
    public ShardReference reference(CommittedShard shard) {
        return new ShardReference(uri(), StoreJson.compact(settings), StoreJson.compact(shard));
    }

    /** Starts an attempt at a shard of the plan. */
    public ShardWriter writer(int shard) throws IOException {
        return new ShardWriter(files, settings, shard, markers(shard));
    }

    /**
     * Starts an attempt at a shard of a store created by another process; reads store.json and no other shard's marker.
     *
     * @return empty if the shard is committed already
     */
    public static Optional<ShardWriter> attempt(String uri, Configuration conf, int shard) throws IOException {
        return attempt(uri, conf, 1, shard);
    }

    /**
     * Starts an attempt at a shard that a generation makes.
     *
     * @return empty if the shard is committed already
     */
    public static Optional<ShardWriter> attempt(String uri, Configuration conf, int generation, int shard) throws IOException {
        Folder files = Folder.at(uri, conf);
        String markers = StoreLayout.of(generation, StoreLayout.MARKERS);
        if (files.exists(Markers.path(markers, shard))) {
            return Optional.empty();
        }
        return Optional.of(new ShardWriter(files, Generations.of(files).settings(generation), shard, markers));
    }

    /**
     * Starts to make a committed shard again, whose file is damaged or gone. The commit succeeds only with the bytes that its
     * marker describes.
     *
     * @throws InvalidStoreException if the marker is damaged
     */
    public static Optional<ShardWriter> again(String uri, Configuration conf, int shard) throws IOException {
        HiddenStateStore store = openWithoutShards(uri, conf);
        String markers = store.markers(shard);
        return Optional.of(
                new ShardWriter(store.files, store.settings, shard, markers, Markers.read(store.files, markers, shard)));
    }

    private static HiddenStateStore openWithoutShards(String uri, Configuration conf) throws IOException {
        Folder files = Folder.at(uri, conf);
        Generations generations = Generations.of(files);
        int newest = generations.newest();
        return new HiddenStateStore(files, generations, newest, generations.settings(newest), List.of());
    }

    /**
     * Starts to make a shard of a rolling store: one that was never committed, or one that was evicted, whose commit succeeds only
     * with the bytes that its marker describes.
     *
     * @return empty if the shard's file is there
     */
    public static Optional<ShardWriter> rolling(String uri, Configuration conf, int shard) throws IOException {
        Folder files = Folder.at(uri, conf);
        Optional<CommittedShard> standing = Markers.find(files, StoreLayout.MARKERS, shard);
        return standing.isPresent() && files.exists(standing.get().path())
                ? Optional.empty()
                : Optional.of(new ShardWriter(files, readSettings(files), shard, StoreLayout.MARKERS, standing.orElse(null)));
    }

    /**
     * Restores markers from the manifest, or the manifest from the markers, where one of them is lost or damaged.
     *
     * @return what was restored, a sentence each
     * @throws InvalidStoreException if a marker and the manifest are both damaged
     */
    public static List<String> restoreMarkers(String uri, Configuration conf) throws IOException {
        HiddenStateStore store = openWithoutShards(uri, conf);
        String path = StoreLayout.of(store.generation, StoreLayout.MANIFEST);
        List<String> restored = new ArrayList<>();
        Optional<List<CommittedShard>> manifest;
        try {
            manifest = manifest(store.files, path, store.settings);
        } catch (InvalidStoreException e) {
            List<CommittedShard> markers = new ArrayList<>();
            for (int shard = 0; shard < store.settings.planned().shards(); shard++) {
                try {
                    markers.add(Markers.read(store.files, store.markers(shard), shard));
                } catch (FileNotFoundException missing) {
                    throw e;
                }
            }
            store.files.write(path, out -> StoreJson.compact(new Manifest(StoreSettings.FORMAT_VERSION, markers), out));
            return List.of("Restored " + path + " from the markers: " + e.getMessage());
        }
        for (CommittedShard shard : manifest.orElse(List.of())) {
            String markers = store.markers(shard.shard());
            try {
                Markers.read(store.files, markers, shard.shard());
            } catch (FileNotFoundException | InvalidStoreException e) {
                store.files.write(Markers.path(markers, shard.shard()), StoreJson.compact(shard));
                restored.add("Restored the marker of shard " + shard.shard() + " from " + path);
            }
        }
        return restored;
    }

    /**
     * Writes the manifest once every shard is committed. Does nothing if it exists.
     *
     * @return the finished store
     * @throws InvalidStoreException if a shard is missing
     */
    public HiddenStateStore complete() throws IOException {
        HiddenStateStore now = current();
        now.requireComplete();
        // Markers never change, so every process writes the same manifest.
        files.createExclusive(StoreLayout.of(generation, StoreLayout.MANIFEST),
                out -> StoreJson.compact(new Manifest(StoreSettings.FORMAT_VERSION, now.shards), out));
        return now;
    }

    /** Returns the names, below the store's folder, of files whose attempts never committed. */
    public List<String> orphans() throws IOException {
        return StoreVacuum.orphans(this);
    }

    /**
     * Deletes the orphans of a complete store. In a growing store, an orphan may be a file whose marker is about to be written.
     *
     * @return the number of orphans
     * @throws InvalidStoreException if a shard is missing
     */
    public int removeOrphans() throws IOException {
        current().requireComplete();
        String markers = StoreLayout.of(generation, StoreLayout.MARKERS) + "/";
        List<String> orphans = orphans().stream().filter(name -> name.startsWith(markers) || isOfOwnShard(name)).toList();
        // A later generation that was begun meanwhile may be writing some of them.
        if (Generations.of(files).isLast(generation)) {
            for (String orphan : orphans) {
                files.delete(orphan);
            }
        }
        return orphans.size();
    }

    private boolean isOfOwnShard(String orphan) {
        Matcher name = SHARD_FILE.matcher(orphan);
        return name.matches() && Integer.parseInt(name.group(1)) < settings.planned().shards();
    }

    /** Returns the file system's free bytes divided by its replication; Long.MAX_VALUE if it has no limit. */
    public static long freeBytes(String uri, Configuration conf) throws IOException {
        return Folder.at(uri, conf).freeBytes();
    }

    Folder files() {
        return files;
    }
}
