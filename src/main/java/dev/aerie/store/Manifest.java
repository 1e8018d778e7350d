package dev.aerie.store;

import java.util.List;

/** The content of {@code _manifest.json}: the markers of all shards in order, so that opening a large store takes one read. */
record Manifest(int formatVersion, List<CommittedShard> shards) {

    Manifest {
        shards = List.copyOf(shards);
    }
}
