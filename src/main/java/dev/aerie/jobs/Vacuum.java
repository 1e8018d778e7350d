package dev.aerie.jobs;

import dev.aerie.store.HiddenStateStore;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import org.apache.hadoop.conf.Configuration;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Deletes what attempts that never committed have left in a store. */
@Command(name = "vacuum", description = "Deletes files of a hidden-state store that no marker names.")
final class Vacuum implements Callable<Integer> {

    @Parameters(paramLabel = "STORE", description = "The store's folder, local or a URI.")
    private String store;

    @Option(names = "--older-than", paramLabel = "HOURS", defaultValue = "24",
            description = "Keeps files that were changed in so many hours, because a task may be writing them (24).")
    private long hours;

    @Mixin
    private CommonOptions common;

    @Override
    public Integer call() throws IOException {
        if (hours < 0) {
            throw new RecipeException("Invalid --older-than: " + hours + " (expected 0 hours or more)");
        }
        Configuration hadoop = HadoopConf.submitted();
        Places.requireReachable(hadoop, List.of(Place.option("STORE", store)));
        List<String> deleted = HiddenStateStore.openPartial(store, hadoop).vacuum(Duration.ofHours(hours));
        deleted.forEach(name -> System.out.println("deleted " + name));
        System.out.println("vacuum: " + deleted.size() + " files deleted");
        return 0;
    }
}
