package dev.aerie.prepare;

import dev.aerie.files.Folder;
import dev.aerie.host.HostModel;
import dev.aerie.spark.DeviceChoice;
import dev.aerie.spark.TargetSettings;
import dev.aerie.spark.TaskResources;
import dev.aerie.store.Container;
import dev.aerie.store.HiddenStateStore;
import dev.aerie.store.Part;
import dev.aerie.store.StoreLayout;
import dev.aerie.store.StoreTables;
import dev.aerie.store.TeacherRows;
import dev.aerie.target.CaptureLayers;
import dev.aerie.target.Residency;
import dev.aerie.target.Target;
import dev.aerie.text.TokenSequence;
import dev.aerie.torch.DType;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/**
 * What it costs to append 1 % to a store: the time of the capture, the target's loading included, against that of the first run,
 * in one process; and whether a file of the first run was touched.
 */
public final class AppendCost {

    private static final int LENGTH = 256;
    private static final double GOAL = 0.05;
    private static final String NONE = "0".repeat(64);

    private AppendCost() {}

    /** @param arguments folder of the target, conversations of the first run */
    public static void main(String[] arguments) throws IOException {
        Path model = Path.of(arguments[0]);
        int conversations = Integer.parseInt(arguments[1]);
        Path folder = Files.createTempDirectory("aerie-append");
        try (SparkSession spark = SparkSession.builder().master("local[1]").appName("append").config("spark.ui.enabled", "false")
                .config("spark.sql.shuffle.partitions", "4").getOrCreate()) {
            System.exit(run(spark, model, folder.resolve("store"), conversations) ? 0 : 1);
        } finally {
            try (Stream<Path> all = Files.walk(folder)) {
                all.sorted(Collections.reverseOrder()).forEach(file -> file.toFile().delete());
            }
        }
    }

    private static boolean run(SparkSession spark, Path model, Path store, int conversations) throws IOException {
        var target = Target.config(model);
        List<Integer> layers = Arrays.stream(CaptureLayers.defaults(target.layers())).boxed().toList();
        CaptureSettings settings = new CaptureSettings(new TargetSettings(HostModel.at(model), DType.F32, Residency.RESIDENT), layers,
                new CaptureSettings.Waves(4096, 1L << 30),
                new CaptureSettings.Output(store.toString(), "bf16", Container.PARQUET, TeacherRows.STRICT, 64 * LENGTH, 1),
                new CaptureSettings.Origin(NONE, NONE, new TreeMap<>()), 8, 1, new TaskResources(DeviceChoice.CPU, 1));
        Capture capture = new Capture(spark, settings, new PrintStream(PrintStream.nullOutputStream()));
        int vocabulary = target.vocabSize();
        CaptureReport first = capture.run(rows(spark, vocabulary, 0, conversations));
        Map<String, Object> before = files(store);
        int more = Math.max(1, conversations / 100);
        Dataset<Row> added = rows(spark, vocabulary, conversations, more);
        HiddenStateStore opened = first.store();
        CaptureReport second = capture.append(opened, added, (own, attempt, inputs, tokens) -> {
            String counts = own + "/vocabulary-" + attempt + ".json";
            TokenFrequencies.of(added, vocabulary).write(
                    Folder.at(opened.uri(), spark.sparkContext().hadoopConfiguration()), counts, inputs, 64);
            return new StoreTables(List.of(StoreLayout.TOKENS, tokens), List.of(), counts, List.of());
        });
        Map<String, Object> after = files(store);
        boolean untouched = before.entrySet().stream().allMatch(file -> file.getValue().equals(after.get(file.getKey())));
        double share = second.seconds() / first.seconds();
        System.out.printf(Locale.ROOT,
                "%,d conversations of %d tokens: %.1f s; %,d more: %.1f s, %.1f %% (goal %.0f %%); the first run's files are %s%n",
                conversations, LENGTH, first.seconds(), more, second.seconds(), 100 * share, 100 * GOAL,
                untouched ? "untouched" : "TOUCHED");
        return share <= GOAL && untouched;
    }

    private static Dataset<Row> rows(SparkSession spark, int vocabulary, int from, int count) {
        List<Row> rows = new ArrayList<>();
        for (int i = from; i < from + count; i++) {
            int[] ids = new Random(i).ints(LENGTH, 0, vocabulary).toArray();
            boolean[] supervised = new boolean[LENGTH];
            Arrays.fill(supervised, LENGTH / 2, LENGTH, true);
            rows.add(new TokenizedRow(i, "c" + i, "random", Part.TRAIN, new TokenSequence(ids, supervised)).toRow());
        }
        return spark.createDataFrame(rows, TokenizedRow.SCHEMA);
    }

    /** Length and time of change of every file of the first run. */
    private static Map<String, Object> files(Path store) throws IOException {
        Map<String, Object> files = new TreeMap<>();
        try (Stream<Path> all = Files.walk(store)) {
            for (Path file : all.filter(Files::isRegularFile).toList()) {
                files.put(store.relativize(file).toString(), List.of(Files.size(file), Files.getLastModifiedTime(file)));
            }
        }
        return files;
    }
}
