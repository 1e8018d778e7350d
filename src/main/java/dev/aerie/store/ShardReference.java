package dev.aerie.store;

import dev.aerie.files.Folder;
import java.io.IOException;
import java.io.Serializable;
import org.apache.hadoop.conf.Configuration;

/**
 * A committed shard as it is sent to other processes: they open it without reading the store's settings and markers again.
 *
 * @param store URI of the store's folder
 * @param settings store.json
 * @param marker the shard's
 */
public record ShardReference(String store, byte[] settings, byte[] marker) implements Serializable {

    /** Opens the shard to read some of its states. */
    public ShardReader open(Configuration conf, StateSelection selection) throws IOException {
        StoreSettings read = StoreJson.read(settings, StoreSettings.class, StoreLayout.SETTINGS + " of store " + store);
        return new ShardReader(Folder.at(store, conf), read,
                StoreJson.read(marker, CommittedShard.class, "marker of store " + store), selection);
    }
}
