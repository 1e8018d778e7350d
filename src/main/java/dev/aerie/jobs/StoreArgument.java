package dev.aerie.jobs;

import dev.aerie.store.HiddenStateStore;
import dev.aerie.store.StoreVacuum;
import java.io.IOException;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import picocli.CommandLine.Parameters;

/** The store that a command works on, which may still be growing. */
final class StoreArgument {

    @Parameters(paramLabel = "STORE", description = "The store's folder, local or a URI.")
    private String store;

    /**
     * Opens the store with the shards that are committed by now.
     *
     * @throws RecipeException if its file system does not answer
     */
    HiddenStateStore open() throws IOException {
        return HiddenStateStore.openPartial(store, reachable());
    }

    /** @throws RecipeException likewise */
    StoreVacuum vacuum() throws IOException {
        return StoreVacuum.of(store, reachable());
    }

    private Configuration reachable() throws IOException {
        Configuration hadoop = HadoopConf.submitted();
        Places.requireReachable(hadoop, List.of(Place.option("STORE", store)));
        return hadoop;
    }
}
