package dev.aerie.prepare;

import dev.aerie.spark.RunningTasks;
import dev.aerie.store.CommittedShard;
import dev.aerie.store.HiddenStateStore;
import dev.aerie.store.RollingStore;
import dev.aerie.store.ShardVerification;
import dev.aerie.store.StoreVerification;
import java.io.IOException;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
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

    /** Verifies every committed shard but those that a rolling store has evicted. */
    public StoreVerification verify(HiddenStateStore store) throws IOException {
        RollingStore rolling = RollingStore.at(store.uri(), context.hadoopConfiguration());
        Set<Integer> evicted = rolling.exists() ? Set.copyOf(rolling.evicted()) : Set.of();
        if (!evicted.isEmpty()) {
            console.println("verify-store: " + evicted.size() + " shards are evicted, and cannot be verified before they are made "
                    + "again");
        }
        return StoreVerification.of(store,
                verify(store, store.shards().stream().filter(shard -> !evicted.contains(shard.shard())).toList()));
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
