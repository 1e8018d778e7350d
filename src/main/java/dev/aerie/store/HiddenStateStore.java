package dev.aerie.store;

import dev.aerie.files.Folder;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
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

    private final Folder files;
    private final StoreSettings settings;
    private final List<CommittedShard> shards;

    private HiddenStateStore(Folder files, StoreSettings settings, List<CommittedShard> shards) {
        this.files = files;
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
        return open(files);
    }

    private static void requireExclusive(Folder files, byte[] json) throws IOException {
        if (files.overwritesExclusive(StoreLayout.SETTINGS, json)) {
            throw new InvalidStoreException("Invalid store " + files.uri()
                    + ": its S3 overwrites an object on a PUT with If-None-Match: * (expected one that answers 412)");
        }
    }

    /**
     * Opens a store for reading.
     *
     * @throws InvalidStoreException if there is no store, it is damaged, or some shards are not committed
     */
    public static HiddenStateStore open(String uri, Configuration conf) throws IOException {
        HiddenStateStore store = openPartial(uri, conf);
        store.requireComplete();
        return store;
    }

    /**
     * Opens a store that may still be growing, with the shards committed so far.
     *
     * @throws InvalidStoreException if there is no store or it is damaged
     */
    public static HiddenStateStore openPartial(String uri, Configuration conf) throws IOException {
        return open(Folder.at(uri, conf));
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

    private static HiddenStateStore open(Folder files) throws IOException {
        StoreSettings settings = readSettings(files);
        Optional<byte[]> json = files.read(StoreLayout.MANIFEST);
        List<CommittedShard> shards;
        if (json.isPresent()) {
            shards = manifest(files, settings, json.get());
        } else {
            shards = Markers.readAll(files);
            for (int shard : numbers(shards)) {
                if (shard >= settings.planned().shards()) {
                    throw new InvalidStoreException("Invalid store " + files.uri() + ": shard " + shard
                            + " is committed (expected 0 to "
                            + (settings.planned().shards() - 1) + ")");
                }
            }
        }
        return new HiddenStateStore(files, settings, shards);
    }

    private static List<CommittedShard> manifest(Folder files, StoreSettings settings, byte[] json) {
        String name = "manifest " + files.path(StoreLayout.MANIFEST);
        List<CommittedShard> shards = StoreJson.read(json, Manifest.class, name).shards();
        if (shards.size() != settings.planned().shards()) {
            throw new InvalidStoreException("Invalid " + name + ": " + shards.size() + " shards (expected "
                    + settings.planned().shards() + ")");
        }
        for (int i = 0; i < shards.size(); i++) {
            if (shards.get(i).shard() != i) {
                throw new InvalidStoreException("Invalid " + name + ": shard " + shards.get(i).shard() + " (expected " + i + ")");
            }
        }
        return shards;
    }

    static StoreSettings readSettings(Folder files) throws IOException {
        byte[] json = files.read(StoreLayout.SETTINGS)
                .orElseThrow(() -> new InvalidStoreException("Invalid store " + files.uri()
                        + ": it has no store.json (expected a folder that prepare has written)"));
        return StoreJson.read(json, StoreSettings.class, StoreLayout.SETTINGS + " of store " + files.uri());
    }

    /** Returns the store with the shards that are committed by now; those of a complete store never change. */
    private HiddenStateStore current() throws IOException {
        return missingShards().isEmpty() ? this : open(files);
    }

    private static List<Integer> numbers(List<CommittedShard> shards) {
        return shards.stream().map(CommittedShard::shard).toList();
    }

    /** Returns the folder as an absolute URI, which means the same in every process. */
    public String uri() {
        return files.uri();
    }

    public StoreSettings settings() {
        return settings;
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
        Set<Integer> committed = Set.copyOf(numbers(shards));
        return IntStream.range(0, settings.planned().shards()).filter(s -> !committed.contains(s)).boxed().toList();
    }

    /** @throws InvalidStoreException if a shard was not committed when the store was opened */
    public void requireComplete() {
        if (!missingShards().isEmpty()) {
            throw new InvalidStoreException("Invalid store " + uri() + ": " + shards.size() + " of " + settings.planned().shards()
                    + " shards are committed (expected all; run prepare again to finish it)");
        }
    }

    /**
     * Deletes files that no marker names and that were not changed for some time, also in a store that grows: an attempt that
     * still writes changes its file.
     *
     * @return the names of the deleted files under the store's folder
     */
    public List<String> vacuum(Duration age) throws IOException {
        long latest = System.currentTimeMillis() - age.toMillis();
        List<String> deleted = new ArrayList<>();
        for (String orphan : orphans()) {
            if (files.exists(orphan) && files.status(orphan).getModificationTime() <= latest) {
                files.delete(orphan);
                deleted.add(orphan);
            }
        }
        return deleted;
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
        return new ShardWriter(files, settings, shard);
    }

    /**
     * Starts an attempt at a shard of a store created by another process; reads store.json and no other shard's marker.
     *
     * @return empty if the shard is committed already
     */
    public static Optional<ShardWriter> attempt(String uri, Configuration conf, int shard) throws IOException {
        Folder files = Folder.at(uri, conf);
        return files.read(Markers.path(shard)).isPresent()
                ? Optional.empty()
                : Optional.of(new ShardWriter(files, readSettings(files), shard));
    }

    /**
     * Starts to make a committed shard again, whose file is damaged or gone. The commit succeeds only with the bytes that its
     * marker describes.
     *
     * @throws InvalidStoreException if the marker is damaged
     */
    public static Optional<ShardWriter> again(String uri, Configuration conf, int shard) throws IOException {
        Folder files = Folder.at(uri, conf);
        return Optional.of(new ShardWriter(files, readSettings(files), shard, Markers.read(files, shard)));
    }

    /**
     * Restores markers from the manifest, or the manifest from the markers, where one of them is lost or damaged.
     *
     * @return what was restored, a sentence each
     * @throws InvalidStoreException if a marker and the manifest are both damaged
     */
    public static List<String> restoreMarkers(String uri, Configuration conf) throws IOException {
        Folder files = Folder.at(uri, conf);
        StoreSettings settings = readSettings(files);
        Optional<byte[]> json = files.read(StoreLayout.MANIFEST);
        if (json.isEmpty()) {
            return List.of();
        }
        List<String> restored = new ArrayList<>();
        List<CommittedShard> manifest;
        try {
            manifest = manifest(files, settings, json.get());
        } catch (InvalidStoreException e) {
            List<CommittedShard> markers = Markers.readAll(files);
            if (markers.size() != settings.planned().shards()) {
                throw e;
            }
            files.write(StoreLayout.MANIFEST, StoreJson.compact(new Manifest(StoreSettings.FORMAT_VERSION, markers)));
            return List.of("Restored " + StoreLayout.MANIFEST + " from the markers: " + e.getMessage());
        }
        for (CommittedShard shard : manifest) {
            try {
                Markers.read(files, shard.shard());
            } catch (FileNotFoundException | InvalidStoreException e) {
                files.write(Markers.path(shard.shard()), StoreJson.compact(shard));
                restored.add("Restored the marker of shard " + shard.shard() + " from " + StoreLayout.MANIFEST);
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
        files.createExclusive(StoreLayout.MANIFEST, StoreJson.compact(new Manifest(StoreSettings.FORMAT_VERSION, now.shards)));
        return now;
    }

    /** Returns the names, below the store's folder, of files whose attempts never committed. */
    public List<String> orphans() throws IOException {
        // Listed before the markers are read: a shard that is committed in between has a marker, and is no orphan.
        List<String> listed = files.list(StoreLayout.SHARDS).stream().map(f -> f.getPath().getName()).toList();
        Set<String> live = current().shards.stream().map(CommittedShard::file).collect(Collectors.toSet());
        Stream<String> lost = listed.stream()
                .filter(name -> !live.contains(name))
                .map(name -> StoreLayout.SHARDS + "/" + name);
        Stream<String> temporary = files.list(StoreLayout.MARKERS).stream()
                .map(f -> f.getPath().getName())
                .filter(name -> name.startsWith("."))
                .map(name -> StoreLayout.MARKERS + "/" + name);
        return Stream.concat(lost, temporary).toList();
    }

    /**
     * Deletes the orphans of a complete store. In a growing store, an orphan may be a file whose marker is about to be written.
     *
     * @return the number of orphans
     * @throws InvalidStoreException if a shard is missing
     */
    public int removeOrphans() throws IOException {
        current().requireComplete();
        List<String> orphans = orphans();
        for (String orphan : orphans) {
            files.delete(orphan);
        }
        return orphans.size();
    }

    /** Returns the file system's free bytes divided by its replication; Long.MAX_VALUE if it has no limit. */
    public static long freeBytes(String uri, Configuration conf) throws IOException {
        return Folder.at(uri, conf).freeBytes();
    }

    Folder files() {
        return files;
    }
}
