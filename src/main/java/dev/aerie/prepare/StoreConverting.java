package dev.aerie.prepare;

import dev.aerie.spark.RunningTasks;
import dev.aerie.store.HiddenStateStore;
import dev.aerie.store.ShardConversion;
import dev.aerie.store.StoreConversion;
import dev.aerie.torch.LibTorch;
import java.io.IOException;
import java.io.PrintStream;
import java.util.BitSet;
import java.util.List;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerTaskEnd;
import org.apache.spark.util.SerializableConfiguration;

/** Converts a store by tasks of Spark, a shard for each. Shards that are converted stay so when a run ends early. */
public final class StoreConverting {

    private final JavaSparkContext context;
    private final PrintStream console;

    /** @param console told of each shard that is converted */
    public StoreConverting(JavaSparkContext context, PrintStream console) {
        this.context = context;
        this.console = console;
    }

    /** @return the complete store */
    public HiddenStateStore run(StoreConversion conversion) throws IOException {
        List<ShardConversion> shards = conversion.missing();
        if (!shards.isEmpty()) {
            SerializableConfiguration conf = new SerializableConfiguration(context.hadoopConfiguration());
            Progress progress = new Progress(shards, console);
            context.sc().addSparkListener(progress);
            try {
                RunningTasks.awaiting(context.sc(), "Conversion of " + shards.size() + " shards", () -> {
                    context.parallelize(shards, shards.size()).foreach(shard -> {
                        LibTorch.setThreads(TaskContext.get().cpus());
                        shard.run(conf.value());
                    });
                    return null;
                });
            } finally {
                context.sc().removeSparkListener(progress);
            }
            progress.finish();
        }
        return conversion.finish();
    }

    /** Events of tasks come late, and the last may not come at all. */
    private static final class Progress extends SparkListener {

        private final List<ShardConversion> shards;
        private final PrintStream console;
        private final BitSet told = new BitSet();

        Progress(List<ShardConversion> shards, PrintStream console) {
            this.shards = shards;
            this.console = console;
        }

        @Override
        public void onTaskEnd(SparkListenerTaskEnd event) {
            if (event.taskInfo().successful()) {
                tell(event.taskInfo().partitionId());
            }
        }

        private synchronized void tell(int partition) {
            if (!told.get(partition)) {
                told.set(partition);
                console.println("converted shard " + shards.get(partition).shard());
            }
        }

        void finish() {
            for (int i = 0; i < shards.size(); i++) {
                tell(i);
            }
        }
    }
}
