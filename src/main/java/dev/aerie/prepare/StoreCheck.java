package dev.aerie.prepare;

import dev.aerie.spark.RunningTasks;
import dev.aerie.store.CommittedShard;
import dev.aerie.store.HiddenStateStore;
import dev.aerie.store.ShardVerification;
import dev.aerie.store.StoreVerification;
import java.io.IOException;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.util.SerializableConfiguration;

/** Reads a store again by tasks of Spark, a shard for each. */
public final class StoreCheck {

    private final JavaSparkContext context;
    private final PrintStream console;

    public StoreCheck(JavaSparkContext context, PrintStream console) {
        this.context = context;
        this.console = console;
    }

    /** Verifies every committed shard. */
    public StoreVerification verify(HiddenStateStore store) throws IOException {
        return StoreVerification.of(store, verify(store, store.shards()));
    }

    /** Verifies some of a store's shards. */
    public List<ShardVerification> verify(HiddenStateStore store, List<CommittedShard> shards) throws IOException {
        if (shards.isEmpty()) {
            return List.of();
        }
        String uri = store.uri();
        int generation = store.generation();
        SerializableConfiguration conf = new SerializableConfiguration(context.hadoopConfiguration());
        console.println("verify-store: reading " + shards.size() + " shards of " + uri);
        return RunningTasks.awaiting(context.sc(), "Verification of " + shards.size() + " shards",
                () -> new ArrayList<>(context.parallelize(shards, shards.size())
                        .map(shard -> ShardVerification.of(uri, conf.value(), generation, shard)).collect()));
    }
}
