package dev.aerie.prepare;

import dev.aerie.files.Folder;
import dev.aerie.host.HostModel;
import dev.aerie.safetensors.SafetensorsFile;
import dev.aerie.spark.DeviceChoice;
import dev.aerie.spark.TargetSettings;
import dev.aerie.spark.TaskResources;
import dev.aerie.store.CommittedShard;
import dev.aerie.store.Container;
import dev.aerie.store.HiddenStateStore;
import dev.aerie.store.Part;
import dev.aerie.store.StoreLayout;
import dev.aerie.store.StoreVerification;
import dev.aerie.store.TeacherRows;
import dev.aerie.target.Residency;
import dev.aerie.testing.Golden;
import dev.aerie.text.TokenSequence;
import dev.aerie.torch.DType;
import dev.aerie.torch.Scope;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/** Tokenised conversations and captures for tests. */
final class Captures {

    private static final String SOME_SHA256 = "0".repeat(64);

    private Captures() {}

    static Path target() {
        return Golden.target("llama3-8layer");
    }

    static CaptureSettings settings(
            Path target, Path store, String codec, TeacherRows rows, long shardTokens, int microBatchTokens) {
        return settings(target, store, codec, rows, shardTokens, Residency.RESIDENT, microBatchTokens, 1, 1);
    }

    /** Whose target is streamed, with room for about {@code waveTokens} in a wave. */
    static CaptureSettings streamed(Path store, long shardTokens, int microBatchTokens, int waveTokens) {
        long bytesPerToken = 9L * 64 * 4;
        return settings(target(), store, "bf16", TeacherRows.STRICT, shardTokens, Residency.STREAMED, microBatchTokens,
                waveTokens * bytesPerToken, 1);
    }

    static CaptureSettings settings(Path target, Path store, String codec, TeacherRows rows, long shardTokens,
            Residency residency, int microBatchTokens, long waveMemory, double maxRefusedShare) {
        return new CaptureSettings(new TargetSettings(HostModel.at(target), DType.F32, residency), List.of(1, 3, 4),
                new CaptureSettings.Waves(microBatchTokens, waveMemory),
                new CaptureSettings.Output(store.toString(), codec, Container.PARQUET, rows, shardTokens, 7),
                new CaptureSettings.Origin(SOME_SHA256, SOME_SHA256,
                        new TreeMap<>(Map.of("target.micro_batch_tokens", String.valueOf(microBatchTokens)))),
                12, maxRefusedShare, new TaskResources(DeviceChoice.CPU, 1));
    }

    /**
     * Random token ids under the vocabulary of the small targets, 1 to 60 tokens each, the last {@code heldOut} of them held
     * out.
     */
    static List<TokenizedRow> random(int conversations, int heldOut, int vocabulary, long seed) {
        Random random = new Random(seed);
        List<TokenizedRow> out = new ArrayList<>();
        for (int i = 0; i < conversations; i++) {
            Part part = i < conversations - heldOut ? Part.TRAIN : Part.HELD_OUT;
            int[] ids = random.ints(part == Part.TRAIN ? 1 + random.nextInt(60) : 20, 0, vocabulary).toArray();
            boolean[] supervised = new boolean[ids.length];
            Arrays.fill(supervised, Math.min(ids.length, 8), ids.length, true);
            out.add(new TokenizedRow(10L * i, "c" + i, "random", part, new TokenSequence(ids, supervised)));
        }
        return out;
    }

    /** The three sequences of a golden, every token supervised. */
    static List<TokenizedRow> golden(SafetensorsFile file) {
        try (Scope scope = Scope.open()) {
            long[] ids = file.tensor("input_ids").toLongs();
            long[] cu = file.tensor("cu_seqlens").toLongs();
            List<TokenizedRow> out = new ArrayList<>();
            for (int i = 0; i + 1 < cu.length; i++) {
                int[] own = Arrays.stream(ids, (int) cu[i], (int) cu[i + 1]).mapToInt(Math::toIntExact).toArray();
                boolean[] supervised = new boolean[own.length];
                Arrays.fill(supervised, true);
                out.add(new TokenizedRow(i, "golden-" + i, "golden", Part.TRAIN, new TokenSequence(own, supervised)));
            }
            return out;
        }
    }

    static Dataset<Row> table(SparkSession spark, List<TokenizedRow> rows) {
        return spark.createDataFrame(rows.stream().map(TokenizedRow::toRow).toList(), TokenizedRow.SCHEMA);
    }

    static CaptureReport run(SparkSession spark, CaptureSettings settings, List<TokenizedRow> rows) throws IOException {
        return run(spark, settings, rows, ShardObserver.NONE);
    }

    static CaptureReport run(SparkSession spark, CaptureSettings settings, List<TokenizedRow> rows, ShardObserver observer)
            throws IOException {
        ByteArrayOutputStream console = new ByteArrayOutputStream();
        PrintStream lines = new PrintStream(console, true, StandardCharsets.UTF_8);
        return new Capture(spark, settings, lines, observer).run(table(spark, rows));
    }

    /** Writes what an ingest made into a folder, the tokens without a plan. */
    static void write(IngestedTables tables, Path store) throws IOException {
        Configuration conf = tables.tokens().sparkSession().sparkContext().hadoopConfiguration();
        String inputs = "d".repeat(64);
        TokensTable.write(tables.tokens(), Folder.at(store.toString(), conf), StoreLayout.TOKENS, inputs);
        tables.write(store.toString(), conf, inputs, 512);
    }

    /** SHA-256 of every shard's file, in order: what two stores with the same content agree in. */
    static List<String> digests(Path store) throws IOException {
        return HiddenStateStore.open(store.toString(), new Configuration()).shards().stream()
                .map(CommittedShard::sha256).toList();
    }

    static List<String> problems(Path store) throws IOException {
        return StoreVerification.of(HiddenStateStore.open(store.toString(), new Configuration())).problems();
    }
}
