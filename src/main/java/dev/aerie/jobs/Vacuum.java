package dev.aerie.jobs;

import dev.aerie.store.StoreVacuum;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Deletes what attempts that never committed have left in a store, and what forget has taken out of it. */
@Command(name = "vacuum", description = "Deletes files of a hidden-state store that no marker names, and those that forget replaced.")
final class Vacuum implements Callable<Integer> {

    @Mixin
    private StoreArgument store;

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
        StoreVacuum.Result result = store.vacuum().run(Duration.ofHours(hours));
        result.names().forEach(name -> System.out.println("deleted " + name));
        System.out.println("vacuum: " + result.names().size() + " files deleted");
        if (result.waiting()) {
            System.out.println("vacuum: what forget has taken out stays, as it did so less than " + hours + " hours ago");
        }
        return 0;
    }
}
