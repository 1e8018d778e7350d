package dev.aerie.jobs;

import dev.aerie.store.StoreSummary;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** Prints the content of a store and what it was made from. */
@Command(name = "inspect", description = "Says what a hidden-state store holds, also while it is being made.")
final class Inspect implements Callable<Integer> {

    @Mixin
    private StoreArgument store;

    @Mixin
    private CommonOptions common;

    @Override
    public Integer call() throws IOException {
        System.out.print(StoreSummary.of(store.open()));
        return 0;
    }
}
