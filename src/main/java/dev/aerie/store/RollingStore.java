package dev.aerie.store;

import dev.aerie.files.Folder;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;

/**
 * A store that holds as many of its shards as its budget allows. A shard that a training has used may be evicted: its file is
 * deleted and its marker stays, so that the shard, made again, must have the same bytes.
 *
 * <p>The training and the capture may be two applications. They meet in the folder {@code _rolling}: {@code training.json} says
 * which training it is and what it uses, {@code position.json} how far it is.
 */
public final class RollingStore {

    private static final String TRAINING = StoreLayout.ROLLING + "/training.json";
    private static final String POSITION = StoreLayout.ROLLING + "/position.json";

    private final Folder files;
    /** Names of the files of committed shards, which never change. */
    private final Map<Integer, String> names = new HashMap<>();

    private RollingStore(Folder files) {
        this.files = files;
    }

    /** @param uri folder of a store */
    public static RollingStore at(String uri, Configuration conf) throws IOException {
        return new RollingStore(Folder.at(uri, conf));
    }

    /** Returns whether the store was ever made to roll, so that a committed shard without a file is one that was evicted. */
    public boolean exists() throws IOException {
        return files.exists(TRAINING);
    }

    /** Returns what the shards are made for; empty before a capture or a training has said. */
    public Optional<RollingUse> use() throws IOException {
        return files.read(TRAINING).map(json -> StoreJson.read(json, RollingUse.class, files.path(TRAINING).toString()));
    }

    /** Returns what the training has last said; empty before it has begun. A small file, unlike {@link #use}. */
    public Optional<RollingPosition> announced() throws IOException {
        return files.read(POSITION).map(json -> StoreJson.read(json, RollingPosition.class, files.path(POSITION).toString()));
    }

    /** Returns the first use that is still needed: 0 before the training has begun. */
    public long position() throws IOException {
        return announced().map(RollingPosition::use).orElse(0L);
    }

    /**
     * Sets what shards are made for before there is a training; changes nothing if it is set.
     *
     * @return what they are made for
     */
    public RollingUse begin(RollingUse use) throws IOException {
        files.createExclusive(TRAINING, StoreJson.compact(use));
        return use().orElse(use);
    }

    /**
     * Takes the store for a training, which may have used it before.
     *
     * @throws InvalidStoreException if another training uses it and is not at its end
     */
    public void take(RollingUse use) throws IOException {
        RollingUse found = begin(use);
        String other = found.training();
        if (other != null && !other.equals(use.training()) && position() < found.uses()) {
            throw new InvalidStoreException("Invalid store.path: " + files.uri() + " is rolling for the training " + other
                    + ", which is at use " + position() + " of " + found.uses()
                    + " (expected one training at a time: let it finish, or delete " + files.path(StoreLayout.ROLLING) + ")");
        }
        if (!found.equals(use)) {
            files.write(POSITION, StoreJson.compact(RollingPosition.of(use.training(), 0)));
            files.write(TRAINING, StoreJson.compact(use));
        }
    }

    /**
     * Says how far the training is.
     *
     * @throws InvalidStoreException if another training has taken the store
     */
    public void advance(String training, long use) throws IOException {
        String owner = use().map(RollingUse::training).orElse(null);
        if (!training.equals(owner)) {
            throw new InvalidStoreException("Invalid store.path: " + files.uri() + " is rolling for the training " + owner
                    + " (expected " + training + ", which began before)");
        }
        files.write(POSITION, StoreJson.compact(RollingPosition.of(training, use)));
    }

    /** Returns the committed shards whose files are there, with the bytes of the file. */
    public SortedMap<Integer, Long> present() throws IOException {
        Map<String, Long> sizes = new HashMap<>();
        // Listed before the markers: a file whose marker is written in between would otherwise seem to be gone.
        for (FileStatus file : files.list(StoreLayout.SHARDS)) {
            sizes.put(file.getPath().getName(), file.getLen());
        }
        SortedMap<Integer, Long> present = new TreeMap<>();
        for (int shard : Markers.list(files, StoreLayout.MARKERS).keySet()) {
            Long bytes = sizes.get(name(shard));
            if (bytes != null) {
                present.put(shard, bytes);
            }
        }
        return present;
    }

    /** Returns the committed shards whose files are gone. */
    public List<Integer> evicted() throws IOException {
        SortedMap<Integer, Long> present = present();
        List<Integer> evicted = new ArrayList<>(Markers.list(files, StoreLayout.MARKERS).keySet());
        evicted.removeIf(present::containsKey);
        return evicted;
    }

    /** Returns the bytes of all files of shards, those of attempts included. */
    public long bytes() throws IOException {
        return files.list(StoreLayout.SHARDS).stream().mapToLong(FileStatus::getLen).sum();
    }

    /** Deletes the file of a committed shard. */
    public void evict(int shard) throws IOException {
        files.delete(StoreLayout.SHARDS + "/" + name(shard));
    }

    /** Makes the store one that keeps all of its shards, once none is missing. */
    public void end() throws IOException {
        files.delete(StoreLayout.ROLLING);
    }

    private String name(int shard) throws IOException {
        String known = names.get(shard);
        if (known == null) {
            known = Markers.read(files, StoreLayout.MARKERS, shard).file();
            names.put(shard, known);
        }
        return known;
    }

    /** Returns the folder as an absolute URI. */
    public String uri() {
        return files.uri();
    }
}
