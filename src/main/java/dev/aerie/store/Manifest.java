package dev.aerie.store;

import java.util.List;

/** The content of {@code _manifest.json}: every shard's marker in order, so that a reader opens a large store with one read. */
record Manifest(int formatVersion, List<CommittedShard> shards) {

    Manifest {
        shards = List.copyOf(shards);
    }
}
