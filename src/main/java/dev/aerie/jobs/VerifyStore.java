package dev.aerie.jobs;

import dev.aerie.prepare.StoreCheck;
import dev.aerie.store.HiddenStateStore;
import dev.aerie.store.StoreVerification;
import java.io.IOException;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** Reads a whole store again and checks it, a Spark task for each shard. */
@Command(name = "verify-store",
        description = "Reads a hidden-state store again against its markers; exit code 1 if something is wrong.")
final class VerifyStore implements Callable<Integer> {

    @Mixin
    private StoreArgument store;

    @Mixin
    private CommonOptions common;

    @Override
    public Integer call() throws IOException {
        HiddenStateStore opened = store.open();
        try (SparkSession spark = Session.open("verify-store")) {
            StoreVerification found =
                    new StoreCheck(JavaSparkContext.fromSparkContext(spark.sparkContext()), System.err).verify(opened);
            print(found);
            return found.problems().isEmpty() ? 0 : CommandLines.FOUND;
        }
    }

    static void print(StoreVerification found) {
        found.problems().forEach(System.out::println);
        System.out.printf(Locale.ROOT, "%,d shards, %,d conversations, %,d tokens, %,d bytes read; %,d problems%n",
                found.shards(), found.conversations(), found.tokens(), found.bytes(), found.problems().size());
    }
}
