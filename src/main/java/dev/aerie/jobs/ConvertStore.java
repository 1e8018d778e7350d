package dev.aerie.jobs;

import dev.aerie.errors.Choice;
import dev.aerie.prepare.StoreConverting;
import dev.aerie.store.Codec;
import dev.aerie.store.CommittedShard;
import dev.aerie.store.Container;
import dev.aerie.store.HiddenStateStore;
import dev.aerie.store.StateLayout;
import dev.aerie.store.StoreConversion;
import java.io.IOException;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Writes a store again with another codec or container, a Spark task for each shard. */
@Command(name = "convert-store",
        description = "Writes a complete hidden-state store into another folder with another codec or container; run again, it "
                + "continues where it was stopped.")
final class ConvertStore implements Callable<Integer> {

    @Parameters(index = "0", paramLabel = "FROM", description = "The store's folder, local or a URI.")
    private String from;

    @Parameters(index = "1", paramLabel = "TO", description = "A folder that is new, empty, or of the same conversion.")
    private String to;

    @Option(names = "--codec", paramLabel = "CODEC", description = "bf16, fp8, int8 or f32; by default the store's.")
    private String codec;

    @Option(names = "--container", paramLabel = "CONTAINER", description = "parquet or arrow; by default the store's.")
    private String container;

    @Mixin
    private CommonOptions common;

    @Override
    public Integer call() throws IOException {
        Configuration hadoop = HadoopConf.submitted();
        Place source = Place.option("FROM", from);
        Place target = Place.option("TO", to);
        new DistinctPlaces(hadoop).require(target, source);
        Places.requireReachable(hadoop, List.of(source, target));
        HiddenStateStore store = HiddenStateStore.open(from, hadoop);
        Places.requireWritable(target, hadoop);
        StateLayout states = store.settings().states();
        Codec wanted = codec == null ? states.codec() : codec(codec);
        StoreConversion conversion = StoreConversion.begin(store, to, hadoop, wanted,
                container == null ? states.container() : Choice.of(Container.class, "--container", container));
        if (!states.codec().isLossless() && !wanted.equals(states.codec())) {
            System.err.println("Note: codec " + states.codec().name() + " has rounded these states; " + wanted.name()
                    + " does not bring back what that took");
        }
        int shards = store.shards().size();
        int missing = conversion.missing().size();
        if (missing < shards) {
            System.err.println((shards - missing) + " of " + shards + " shards are converted already");
        }
        HiddenStateStore converted = run(conversion, missing);
        System.out.printf(Locale.ROOT, "%s, %s in %s: %,d shards, %,d bytes, from %s in %s of %,d bytes (%s)%n", converted.uri(),
                converted.settings().states().codec().name(), converted.settings().states().container().text(), shards,
                bytes(converted), states.codec().name(), states.container().text(), bytes(store),
                conversion.isLossless() ? "every state as it was" : "states rounded");
        return 0;
    }

    private static HiddenStateStore run(StoreConversion conversion, int missing) throws IOException {
        if (missing == 0) {
            return conversion.finish();
        }
        try (SparkSession spark = Session.open("convert-store")) {
            return new StoreConverting(JavaSparkContext.fromSparkContext(spark.sparkContext()), System.err).run(conversion);
        }
    }

    private static Codec codec(String name) {
        Codec codec = Codec.byName().get(name);
        if (codec == null) {
            throw new RecipeException("Invalid --codec: " + name + " (expected "
                    + Choice.listed(List.copyOf(Codec.byName().keySet())) + ")");
        }
        return codec;
    }

    private static long bytes(HiddenStateStore store) {
        return store.shards().stream().mapToLong(CommittedShard::bytes).sum();
    }
}
