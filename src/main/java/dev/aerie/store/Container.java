package dev.aerie.store;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import dev.aerie.errors.Choice;
import dev.aerie.files.Folder;
import dev.aerie.files.NewFile;
import java.io.IOException;
import java.util.Map;

/** The file format of a store's shards. A new format is a new constant with its {@link ChunkWriter} and {@link ChunkReader}. */
public enum Container implements Choice {
    /** Apache Parquet, compressed by zstd-1: for every file system. */
    PARQUET(true) {
        @Override
        ChunkWriter writer(NewFile file, ShardSchema schema, Map<String, String> footer) throws IOException {
            return new ParquetChunkWriter(file, schema, footer);
        }

        @Override
        ChunkReader reader(Folder files, CommittedShard shard, ShardSchema schema) throws IOException {
            return new ParquetChunkReader(files, shard, schema);
        }
    },
    /** An Arrow IPC file, not compressed: for a node's own disks, where it is mapped into memory and read in place. */
    ARROW(false) {
        @Override
        ChunkWriter writer(NewFile file, ShardSchema schema, Map<String, String> footer) throws IOException {
            return new ArrowChunkWriter(file, schema, footer);
        }

        @Override
        ChunkReader reader(Folder files, CommittedShard shard, ShardSchema schema) throws IOException {
            return new ArrowChunkReader(ShardBytes.open(files, shard.path()), schema);
        }
    };

    private final boolean compressed;

    Container(boolean compressed) {
        this.compressed = compressed;
    }

    /** Whether columns are compressed. */
    boolean compressed() {
        return compressed;
    }

    /** The ending of a shard's file, without the dot. */
    String extension() {
        return text();
    }

    /**
     * Starts a shard's file; the caller commits the file after {@link ChunkWriter#finish}.
     *
     * @param footer kept in the file, in the order of its keys
     */
    abstract ChunkWriter writer(NewFile file, ShardSchema schema, Map<String, String> footer) throws IOException;

    /**
     * Opens a shard's file.
     *
     * @param schema the columns to read
     */
    abstract ChunkReader reader(Folder files, CommittedShard shard, ShardSchema schema) throws IOException;

    @Override
    @JsonValue
    public String text() {
        return Choice.super.text();
    }

    @JsonCreator
    static Container of(String text) {
        return Choice.of(Container.class, "container", text);
    }
}
