package dev.aerie.jobs;

import dev.aerie.store.HiddenStateStore;
import dev.aerie.store.StoreVerification;
import java.io.IOException;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.apache.hadoop.conf.Configuration;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** Reads a whole store again and checks it. */
@Command(name = "verify-store",
        description = "Reads a hidden-state store again against its markers; exit code 1 if something is wrong.")
final class VerifyStore implements Callable<Integer> {

    @Parameters(paramLabel = "STORE", description = "The store's folder, local or a URI.")
    private String store;

    @Mixin
    private CommonOptions common;

    @Override
    public Integer call() throws IOException {
        Configuration hadoop = HadoopConf.submitted();
        Places.requireReachable(hadoop, List.of(Place.option("STORE", store)));
        HiddenStateStore opened = HiddenStateStore.openPartial(store, hadoop);
        StoreVerification found = StoreVerification.of(opened, shard -> System.err.println("read shard " + shard.shard()));
        found.problems().forEach(System.out::println);
        System.out.printf(Locale.ROOT, "%,d shards, %,d conversations, %,d tokens, %,d bytes read; %,d problems%n",
                found.shards(), found.conversations(), found.tokens(), found.bytes(), found.problems().size());
        return found.problems().isEmpty() ? 0 : CommandLines.FOUND;
    }
}
