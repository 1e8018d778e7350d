package dev.aerie.bench;

import dev.aerie.gang.GangConf;
import dev.aerie.gang.GangSettings;
import dev.aerie.draft.LossMode;
import dev.aerie.spark.DeviceChoice;
import dev.aerie.spark.TaskResources;
import dev.aerie.torch.DTypeChoice;
import dev.aerie.torch.Optimizer;
import dev.aerie.train.CorruptChunks;
import dev.aerie.train.Schedule;
import java.util.TreeMap;
import dev.aerie.torch.Scope;
import dev.aerie.train.BatchSize;
import dev.aerie.train.StepMetrics;
import dev.aerie.train.TrainSettings;
import dev.aerie.train.Training;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.apache.spark.SparkConf;
import org.apache.spark.sql.SparkSession;

/**
 * Whether training keeps its memory: one rank, 2,000 steps over conversations of many lengths, resident memory at every step.
 *
 * <p>Start it with {@code -Xms1g -Xmx1g -XX:+AlwaysPreTouch}, so that the heap is resident from the start and what moves is
 * native. The first half warms up: the JVM compiles, and glibc makes an arena for each new thread until it has eight for each
 * core. Exits with 1 if resident memory grows by more than {@link #TOLERANCE} over the second half.
 */
public final class TrainingMemory {

    private static final int STEPS = 2000;
    private static final double TOLERANCE = 0.01;
    private static final int CONVERSATIONS = 500;
    private static final int LONGEST = 256;

    private TrainingMemory() {}

    /** @param arguments the number of steps, or nothing */
    public static void main(String[] arguments) throws IOException {
        int steps = arguments.length > 0 ? Integer.parseInt(arguments[0]) : STEPS;
        SparkConf conf = new SparkConf().setMaster("local[1]").setAppName("training memory").set("spark.ui.enabled", "false");
        GangConf.defaults(conf);
        Path output = Files.createTempDirectory("aerie-bench");
        long before = Scope.liveTensors();
        try (SparkSession spark = SparkSession.builder().config(conf).getOrCreate()) {
            // Checkpoints and replays belong to what must not grow; the first of them are part of the warm-up.
            int often = Math.max(1, steps / 20);
            int epochs = (steps + CONVERSATIONS - 1) / CONVERSATIONS;
            TrainSettings settings = new TrainSettings(LossMode.STRICT, 7,
                    new TrainSettings.Batches(new BatchSize.Conversations(1), 8192, epochs, steps, 0),
                    new TrainSettings.Optimization(1e-4, 0.015, Schedule.COSINE, Optimizer.AdamW.withDecay(0), 0.5),
                    new TrainSettings.Milestones(often, 1, often), DTypeChoice.AUTO, CorruptChunks.STOP,
                    new TaskResources(DeviceChoice.AUTO, 0),
                    new TreeMap<>());
            Training.run(spark.sparkContext(), new GangSettings(1, 1), settings, new SyntheticInputs(CONVERSATIONS, LONGEST),
                    output.toString(), System.out);
            report(Files.readAllLines(output.resolve("metrics.jsonl")).stream().map(StepMetrics::parse).toList(),
                    Scope.liveTensors() - before);
        } finally {
            try (Stream<Path> files = Files.walk(output)) {
                files.sorted(Comparator.reverseOrder()).forEach(f -> f.toFile().delete());
            }
        }
    }

    private static void report(List<StepMetrics> metrics, long tensorsLeft) {
        int tenth = Math.max(1, metrics.size() / 10);
        System.out.println("step        RSS, MB (median)   tokens/s (median)");
        for (int start = 0; start + tenth <= metrics.size(); start += tenth) {
            List<StepMetrics> part = metrics.subList(start, start + tenth);
            System.out.printf(Locale.ROOT, "%5d-%-5d %,18.0f %,19.0f%n", start + 1, start + tenth, rss(part),
                    median(part.stream().map(StepMetrics::tokensPerSecond)));
        }
        int half = metrics.size() / 2;
        double early = rss(metrics.subList(half, Math.min(half + tenth, metrics.size())));
        double late = rss(metrics.subList(metrics.size() - tenth, metrics.size()));
        boolean flat = late <= early * (1 + TOLERANCE) && tensorsLeft == 0;
        System.out.printf(Locale.ROOT, "%s: %+.1f MB over the second half (at most %.0f %%), %d tensors left over%n",
                flat ? "flat" : "NOT FLAT", late - early, 100 * TOLERANCE, tensorsLeft);
        if (!flat) {
            System.exit(1);
        }
    }

    private static double rss(List<StepMetrics> metrics) {
        return median(metrics.stream().filter(m -> m.rssMegabytes() != null).map(m -> (double) m.rssMegabytes()));
    }

    private static double median(Stream<Double> values) {
        List<Double> sorted = values.sorted().toList();
        return sorted.isEmpty() ? 0 : sorted.get(sorted.size() / 2);
    }
}
