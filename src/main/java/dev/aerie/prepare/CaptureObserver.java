package dev.aerie.prepare;

import java.io.PrintStream;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import org.apache.spark.scheduler.AccumulableInfo;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerExecutorMetricsUpdate;
import org.apache.spark.scheduler.SparkListenerTaskEnd;
import org.apache.spark.scheduler.SparkListenerTaskStart;
import scala.jdk.javaapi.CollectionConverters;

/**
 * Prints the progress of the running tasks: tokens done, tokens per second, time left.
 *
 * <p>Tasks count tokens in an accumulator. Its {@code value()} on the driver changes only when a task ends, but the executors'
 * heartbeats (every {@code spark.executor.heartbeatInterval}, 10 s) carry the counts of running tasks to a listener. This works
 * in every kind of cluster and needs no plugin that is configured before the context starts.
 */
final class CaptureObserver extends SparkListener {

    private static final long PAUSE = 5_000_000_000L;

    private final long accumulator;
    private final long total;
    private final PrintStream out;
    private final long start = System.nanoTime();
    private final Map<Long, Integer> partitionOf = new HashMap<>();
    private final Map<Integer, Long> finished = new HashMap<>();
    private final Map<Integer, Long> running = new HashMap<>();
    private long printed = start;

    /**
     * @param accumulator id of the accumulator that tasks count tokens in
     * @param total tokens expected of all of them
     */
    CaptureObserver(long accumulator, long total, PrintStream out) {
        this.accumulator = accumulator;
        this.total = total;
        this.out = out;
    }

    @Override
    public synchronized void onTaskStart(SparkListenerTaskStart event) {
        partitionOf.put(event.taskInfo().taskId(), event.taskInfo().partitionId());
    }

    @Override
    public synchronized void onExecutorMetricsUpdate(SparkListenerExecutorMetricsUpdate event) {
        CollectionConverters.asJava(event.accumUpdates()).forEach(task -> {
            Integer partition = partitionOf.get((Long) task._1());
            if (partition != null) {
                CollectionConverters.asJava(task._4()).forEach(update -> {
                    if (update.id() == accumulator && update.update().isDefined()) {
                        // Of two attempts at one shard only one counts.
                        running.merge(partition, count(update), Math::max);
                    }
                });
            }
        });
        if (System.nanoTime() - printed > PAUSE) {
            printed = System.nanoTime();
            out.println(line(System.nanoTime() - start));
        }
    }

    @Override
    public synchronized void onTaskEnd(SparkListenerTaskEnd event) {
        Integer partition = partitionOf.remove(event.taskInfo().taskId());
        if (partition == null) {
            return;
        }
        boolean failed = !event.taskInfo().successful();
        CollectionConverters.asJava(event.taskInfo().accumulables()).forEach(update -> {
            if (update.id() == accumulator && update.update().isDefined() && !failed) {
                finished.merge(partition, count(update), Math::max);
            }
        });
        if (failed || finished.containsKey(partition)) {
            running.remove(partition);
        }
    }

    private static long count(AccumulableInfo update) {
        return ((Number) update.update().get()).longValue();
    }

    synchronized long tokens() {
        return finished.values().stream().mapToLong(Long::longValue).sum()
                + running.entrySet().stream()
                        .filter(e -> !finished.containsKey(e.getKey()))
                        .mapToLong(Map.Entry::getValue)
                        .sum();
    }

    /** Such as {@code prepare: 12.3 % of 10,000,000 tokens, 4,567 tokens/s, 0:35:12 left}. */
    synchronized String line(long nanos) {
        long done = tokens();
        double speed = done / (nanos / 1e9);
        String left = done == 0 ? "unknown time" : clock((long) (Math.max(0, total - done) / speed));
        return String.format(Locale.ROOT, "prepare: %,d of %,d tokens (%.1f %%), %,.0f tokens/s, %s left",
                done, total, 100.0 * done / Math.max(1, total), speed, left);
    }

    static String clock(long seconds) {
        return String.format(Locale.ROOT, "%d:%02d:%02d", seconds / 3600, seconds / 60 % 60, seconds % 60);
    }
}
