package dev.aerie.prepare;

import com.sun.management.OperatingSystemMXBean;
import dev.aerie.bench.RandomModel;
import dev.aerie.host.HostModel;
import dev.aerie.spark.DeviceChoice;
import dev.aerie.spark.SharedModels;
import dev.aerie.spark.TargetSettings;
import dev.aerie.spark.TaskResources;
import dev.aerie.store.Container;
import dev.aerie.store.Part;
import dev.aerie.store.TeacherRows;
import dev.aerie.target.CaptureLayers;
import dev.aerie.target.PackedTokens;
import dev.aerie.target.Residency;
import dev.aerie.target.Target;
import dev.aerie.text.TokenSequence;
import dev.aerie.torch.DType;
import dev.aerie.torch.Device;
import dev.aerie.torch.LibTorch;
import dev.aerie.torch.Scope;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/**
 * The capture stage of prepare against the target's forward alone, over the same conversations and with the same threads; by
 * turns in one process, the median of the rounds' ratios. The stage is Spark's job as prepare runs it, one task of all threads:
 * reading the conversations, forward, encoding, compressing, writing and committing. The target is loaded before.
 */
public final class CaptureSpeed {

    private static final int MICRO_BATCH_TOKENS = 2048;
    private static final double GOAL = 0.9;
    private static final OperatingSystemMXBean SYSTEM = ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);

    private record Taken(double seconds, double cpuSeconds) {}

    private CaptureSpeed() {}

    /** @param arguments folder of a target, or {@code random} for one of hidden size 1,024; tokens; rounds */
    public static void main(String[] arguments) throws IOException {
        Path work = Files.createTempDirectory("aerie-bench");
        boolean reached;
        try {
            Path model = Path.of(arguments[0]);
            if (arguments[0].equals("random")) {
                model = work.resolve("model");
                new RandomModel(8, 1024, 2816, 16, 4, 64, 4096).write(model, DType.F32);
            }
            reached = measure(model, Long.parseLong(arguments[1]), Integer.parseInt(arguments[2]), work);
        } finally {
            try (Stream<Path> files = Files.walk(work)) {
                files.sorted(Comparator.reverseOrder()).forEach(file -> file.toFile().delete());
            }
        }
        System.exit(reached ? 0 : 1);
    }

    private static boolean measure(Path model, long tokens, int rounds, Path work) throws IOException {
        int threads = LibTorch.threads();
        TargetSettings target = new TargetSettings(HostModel.at(model), DType.F32, Residency.RESIDENT);
        try (SparkSession spark = SparkSession.builder().master("local[" + threads + "]").config("spark.ui.enabled", false)
                        .config("spark.task.cpus", threads).config("spark.sql.shuffle.partitions", 1).getOrCreate();
                SharedModels.Lease<Target> lease = ResidentTargets.lease(target, Device.CPU,
                        spark.sparkContext().hadoopConfiguration())) {
            Target loaded = lease.model();
            List<TokenizedRow> rows = conversations(tokens, loaded.config().vocabSize());
            long all = rows.stream().mapToLong(row -> row.sequence().length()).sum();
            Dataset<Row> table = spark.createDataFrame(rows.stream().map(TokenizedRow::toRow).toList(), TokenizedRow.SCHEMA);
            List<Integer> layers = Arrays.stream(CaptureLayers.defaults(loaded.config().layers())).boxed().toList();
            double[] ratios = new double[rounds];
            double[] cpu = new double[rounds];
            for (int round = -1; round < rounds; round++) {
                Taken forward = taken(() -> forward(loaded, rows, layers, threads));
                Path store = work.resolve("store" + round);
                CaptureSettings settings = settings(target, store, layers, threads);
                PrintStream console = new PrintStream(OutputStream.nullOutputStream());
                Taken stage = taken(() -> new Capture(spark, settings, console).run(table));
                System.out.printf(Locale.ROOT, "%s: forward %,.0f tokens/s (%.2f s of CPU), capture %,.0f tokens/s (%.2f s of "
                        + "CPU), ratio %.2f%n", round < 0 ? "warming up" : "round " + round, all / forward.seconds(),
                        forward.cpuSeconds(), all / stage.seconds(), stage.cpuSeconds(), forward.seconds() / stage.seconds());
                if (round >= 0) {
                    ratios[round] = forward.seconds() / stage.seconds();
                    cpu[round] = forward.cpuSeconds() / stage.cpuSeconds();
                }
            }
            Arrays.sort(ratios);
            Arrays.sort(cpu);
            System.out.printf(Locale.ROOT, "%,d tokens, %d threads: median ratio %.2f (at least %.1f), in CPU time %.2f%n", all,
                    threads, ratios[rounds / 2], GOAL, cpu[rounds / 2]);
            return ratios[rounds / 2] >= GOAL;
        }
    }

    private static void forward(Target target, List<TokenizedRow> rows, List<Integer> layers, int threads) {
        LibTorch.setThreads(threads);
        int[] capture = layers.stream().mapToInt(Integer::intValue).toArray();
        List<int[]> batch = new ArrayList<>();
        int size = 0;
        for (TokenizedRow row : rows) {
            if (!batch.isEmpty() && size + row.sequence().length() > MICRO_BATCH_TOKENS) {
                run(target, batch, capture);
                batch = new ArrayList<>();
                size = 0;
            }
            batch.add(row.sequence().inputIds());
            size += row.sequence().length();
        }
        run(target, batch, capture);
    }

    private static void run(Target target, List<int[]> batch, int[] capture) {
        try (Scope scope = Scope.open()) {
            target.hiddenStates(List.of(PackedTokens.of(batch)), capture);
        }
    }

    private interface Work {
        void run() throws IOException;
    }

    private static Taken taken(Work work) throws IOException {
        long cpu = SYSTEM.getProcessCpuTime();
        long start = System.nanoTime();
        work.run();
        return new Taken((System.nanoTime() - start) / 1e9, (SYSTEM.getProcessCpuTime() - cpu) / 1e9);
    }

    private static CaptureSettings settings(TargetSettings target, Path store, List<Integer> layers, int threads) {
        String none = "0".repeat(64);
        return new CaptureSettings(target, layers, new CaptureSettings.Waves(MICRO_BATCH_TOKENS, 1L << 30),
                new CaptureSettings.Output(store.toString(), "bf16", Container.PARQUET, TeacherRows.STRICT, 1L << 40, 0),
                new CaptureSettings.Origin(none, none, new TreeMap<>()), 64, 0, new TaskResources(DeviceChoice.CPU, threads));
    }

    /** Of 64 to 512 tokens, two thirds of them supervised. */
    private static List<TokenizedRow> conversations(long tokens, int vocabulary) {
        Random random = new Random(1);
        List<TokenizedRow> rows = new ArrayList<>();
        for (long made = 0; made < tokens;) {
            int[] ids = random.ints(64 + random.nextInt(449), 0, vocabulary).toArray();
            boolean[] supervised = new boolean[ids.length];
            Arrays.fill(supervised, ids.length / 3, ids.length, true);
            rows.add(new TokenizedRow(rows.size(), "c" + rows.size(), "random", Part.TRAIN, new TokenSequence(ids, supervised)));
            made += ids.length;
        }
        return rows;
    }
}
