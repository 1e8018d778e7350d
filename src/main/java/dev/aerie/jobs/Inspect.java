package dev.aerie.jobs;

import dev.aerie.store.HiddenStateStore;
import dev.aerie.store.StoreSummary;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.Callable;
import org.apache.hadoop.conf.Configuration;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** Prints the content of a store and what it was made from. */
@Command(name = "inspect", description = "Says what a hidden-state store holds, also while it is being made.")
final class Inspect implements Callable<Integer> {

    @Parameters(paramLabel = "STORE", description = "The store's folder, local or a URI.")
    private String store;

    @Mixin
    private CommonOptions common;

    @Override
    public Integer call() throws IOException {
        Configuration hadoop = HadoopConf.submitted();
        Places.requireReachable(hadoop, List.of(Place.option("STORE", store)));
        System.out.print(StoreSummary.of(HiddenStateStore.openPartial(store, hadoop)));
        return 0;
    }
}
