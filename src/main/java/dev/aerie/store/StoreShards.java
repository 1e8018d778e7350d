package dev.aerie.store;

import dev.aerie.files.Folder;
import dev.aerie.files.Sha256;
import java.io.IOException;
import java.io.InputStream;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;

/**
 * The shards of a store, each looked up when it is needed: a process that reads a few of 50,000 shards, or that begins before all
 * are committed, needs no list of them.
 */
public final class StoreShards {

    private final Folder files;
    private final Generations generations;
    private final int generation;
    private final StoreSettings settings;

    private StoreShards(Folder files, Generations generations, int generation) throws IOException {
        this.files = files;
        this.generations = generations;
        this.generation = generation;
        this.settings = generations.settings(generation);
    }

    /**
     * Returns the shards of the newest complete generation, or of the first, which may be growing.
     *
     * @throws InvalidStoreException if there is no store or its store.json is damaged
     */
    public static StoreShards of(String uri, Configuration conf) throws IOException {
        Folder files = Folder.at(uri, conf);
        HiddenStateStore.readSettings(files);
        Generations generations = Generations.of(files);
        return new StoreShards(files, generations, generations.newest());
    }

    /**
     * @param generation whose shards are looked up
     * @throws InvalidStoreException if there is no store or its store.json is damaged
     */
    public static StoreShards of(String uri, Configuration conf, int generation) throws IOException {
        Folder files = Folder.at(uri, conf);
        return new StoreShards(files, Generations.of(files), generation);
    }

    public StoreSettings settings() {
        return settings;
    }

    /**
     * Reads a shard's marker; empty if the shard is not committed.
     *
     * @throws InvalidStoreException if the marker is damaged
     */
    public Optional<CommittedShard> find(int shard) throws IOException {
        return Markers.find(files, generations.markers(generation, shard), shard);
    }

    /** Returns whether the file of a committed shard is there; a rolling store evicts files. */
    public boolean holds(CommittedShard shard) throws IOException {
        return files.exists(shard.path());
    }

    /** Opens a committed shard to read some of its states. */
    public ShardReader reader(CommittedShard shard, StateSelection selection) {
        return new ShardReader(files, settings, shard, selection);
    }

    /**
     * Returns whether a shard's file has the SHA-256 of its marker; reads the whole file.
     *
     * @throws java.io.FileNotFoundException if there is none
     */
    public boolean isAsCommitted(CommittedShard shard) throws IOException {
        try (InputStream in = files.open(shard.path())) {
            return Sha256.of(in).equals(shard.sha256());
        }
    }

    @Override
    public String toString() {
        return files.uri();
    }

    Folder files() {
        return files;
    }
}
