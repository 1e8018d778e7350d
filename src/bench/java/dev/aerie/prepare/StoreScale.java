package dev.aerie.prepare;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.aerie.files.Folder;
import dev.aerie.store.Codec;
import dev.aerie.store.Container;
import dev.aerie.store.Fingerprints;
import dev.aerie.store.HiddenStateStore;
import dev.aerie.store.Part;
import dev.aerie.store.PlannedCounts;
import dev.aerie.store.StateLayout;
import dev.aerie.store.StoreSettings;
import dev.aerie.store.TeacherRows;
import dev.aerie.text.TokenSequence;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.sql.SparkSession;

/**
 * Time and heap of a driver that plans, resumes, opens and counts a large store: conversations of few tokens, and markers of
 * shards and a tokens table without content, on this machine's disk. Nothing of the driver's work depends on the length of a conversation, and
 * until it reads a state it needs nothing but markers. Driver and tasks share this JVM, so its heap is an upper bound.
 */
public final class StoreScale {

    /** Tokens of a conversation in markers. */
    private static final int TOKENS = 1024;
    /** Tokens of a conversation that is planned. */
    private static final int PLANNED_TOKENS = 4;
    private static final int PARTITIONS = 32;
    private static final double SECONDS_GOAL = 60;
    private static final String NONE = "0".repeat(64);

    private final Path folder;
    private final int shards;
    private final int each;
    private final Configuration conf = new Configuration();
    private boolean fast = true;

    private StoreScale(Path folder, int shards, int each) {
        this.folder = folder;
        this.shards = shards;
        this.each = each;
    }

    /** @param arguments shards, conversations in each */
    public static void main(String[] arguments) throws Exception {
        Path folder = Files.createTempDirectory("aerie-bench");
        StoreScale scale = new StoreScale(folder, Integer.parseInt(arguments[0]), Integer.parseInt(arguments[1]));
        try (SparkSession spark = SparkSession.builder().master("local[2]").appName("store-scale")
                .config("spark.ui.enabled", "false").config("spark.local.dir", folder.resolve("spark").toString())
                .config("spark.sql.shuffle.partitions", String.valueOf(PARTITIONS)).getOrCreate()) {
            scale.run(spark);
        } finally {
            try (Stream<Path> files = Files.walk(folder)) {
                files.sorted(Comparator.reverseOrder()).forEach(path -> path.toFile().delete());
            }
        }
        System.exit(scale.fast ? 0 : 1);
    }

    private void run(SparkSession spark) throws Exception {
        String uri = folder.resolve("store").toString();
        long conversations = (long) shards * each;
        System.out.printf(Locale.ROOT, "%,d shards, %,d conversations%n", shards, conversations);
        JavaRDD<TokenizedRow> rows = spark.range(0, conversations, 1, PARTITIONS).javaRDD().map(StoreScale::row);
        ShardPlan plan = timed("plan", () -> ShardPlan.of(Capture.conversations(spark, rows, TeacherRows.STRICT, 128),
                (long) each * PLANNED_TOKENS, 42), found -> found.shards() + " shards");
        HiddenStateStore.create(uri, conf, StoreSettings.of(new Fingerprints(NONE, NONE, NONE, NONE, NONE),
                new StateLayout(4096, List.of(1, 15, 28), TeacherRows.STRICT, Codec.of("bf16"), Container.PARQUET),
                new PlannedCounts(shards, conversations, 0, conversations * TOKENS)));
        Folder store = Folder.at(uri, conf);
        Path tokensTable = Files.createDirectories(folder.resolve("store/tokens"));
        List<String> files = IntStream.range(0, (shards + PlannedTokens.SHARDS_PER_FILE - 1) / PlannedTokens.SHARDS_PER_FILE)
                .mapToObj(file -> String.format(Locale.ROOT, "part-%05d.parquet", file)).toList();
        ObjectNode marker = new ObjectMapper().createObjectNode().put("inputs", NONE);
        ObjectNode lengths = marker.putObject("files");
        for (String file : files) {
            Files.createFile(tokensTable.resolve(file));
            lengths.put(file, 0);
        }
        PlannedTokens.describe(marker, files, 0, plan.fingerprint(), 0, plan.tokens());
        Files.writeString(tokensTable.resolve("_inputs.json"), marker.toString());
        Path markers = Files.createDirectories(folder.resolve("store/_committed"));
        for (int shard = 0; shard < shards - 1; shard++) {
            write(markers, shard);
        }
        timed("resume: the plan, the markers, what is missing", () -> {
            PlannedTokens tokens = PlannedTokens.find(store, NONE).orElseThrow();
            HiddenStateStore found = HiddenStateStore.openPartial(uri, conf);
            int[] missing = found.missingShards().stream().mapToInt(Integer::intValue).toArray();
            return new Object[] {found, new CapturePlan(found.settings(), tokens.shardTokens(), 0).tokens(missing)};
        }, found -> found[1] + " tokens missing");
        write(markers, shards - 1);
        timed("complete: read the markers, write the manifest", () -> HiddenStateStore.openPartial(uri, conf).complete(),
                found -> found.shards().size() + " shards");
        System.out.printf(Locale.ROOT, "manifest: %,d bytes%n", Files.size(folder.resolve("store/_manifest.json")));
        timed("open, and count the conversations", () -> HiddenStateStore.open(uri, conf),
                found -> found.conversations(Part.TRAIN).count() + " conversations");
        timed("spark.read.format(\"aerie\").load(store).count()", () -> spark.read().format("aerie").load(uri).count(),
                found -> found + " conversations");
    }

    private static TokenizedRow row(long position) {
        return new TokenizedRow(position, "identity_" + position, "file:/data/sharegpt.json", Part.TRAIN, new TokenSequence(
                new int[] {1, (int) position, 2, 3}, new boolean[] {false, false, true, true}));
    }

    private void write(Path markers, int shard) throws Exception {
        StringBuilder json = new StringBuilder(128 * each);
        json.append(String.format(Locale.ROOT,
                "{\"format_version\":%d,\"shard\":%d,\"file\":\"shard-%05d-0123456789ab.parquet\","
                        + "\"rows\":%d,\"tokens\":%d,\"teacher_rows\":%d,\"bytes\":2000000000,\"sha256\":\"%s\",\"conversations\":[",
                StoreSettings.FORMAT_VERSION, shard, shard, each * TOKENS / 256, (long) each * TOKENS,
                (long) each * TOKENS / 2, NONE));
        LongStream.range(0, each).forEach(c -> json.append(c == 0 ? "" : ",").append("{\"id\":\"identity_")
                .append((long) shard * each + c).append("\",\"part\":\"train\",\"row\":").append(c * (TOKENS / 256))
                .append(",\"tokens\":").append(TOKENS).append(",\"supervised\":").append(TOKENS / 2).append('}'));
        Files.writeString(
                markers.resolve(String.format(Locale.ROOT, "shard-%05d.json", shard)), json.append("],\"refused\":[]}"));
    }

    private interface Told<T> {
        String of(T result);
    }

    private <T> T timed(String what, Callable<T> work, Told<T> told) throws Exception {
        System.gc();
        AtomicLong peak = new AtomicLong(used());
        Thread sampling = new Thread(() -> {
            while (!Thread.interrupted()) {
                peak.accumulateAndGet(used(), Math::max);
                LockSupport.parkNanos(5_000_000);
            }
        });
        sampling.setDaemon(true);
        sampling.start();
        long cpu = cpuNanos();
        long start = System.nanoTime();
        T result = work.call();
        String said = told.of(result);
        double seconds = seconds(start);
        double cpuSeconds = (cpuNanos() - cpu) / 1e9;
        sampling.interrupt();
        System.gc();
        System.out.printf(Locale.ROOT, "%-50s %6.1f s, %5.1f s of CPU, peak heap %,4d MB, %,d MB held (%s)%n", what, seconds,
                cpuSeconds, peak.get() >> 20, used() >> 20, said);
        fast &= seconds <= SECONDS_GOAL;
        return result;
    }

    private static long used() {
        return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
    }

    private static long cpuNanos() {
        return ((com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime();
    }

    private static double seconds(long start) {
        return (System.nanoTime() - start) / 1e9;
    }
}
