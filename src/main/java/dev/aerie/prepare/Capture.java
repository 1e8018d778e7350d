package dev.aerie.prepare;

import dev.aerie.files.Sha256;
import dev.aerie.spark.RunningTasks;
import dev.aerie.store.Codec;
import dev.aerie.store.Fingerprints;
import dev.aerie.store.HiddenStateStore;
import dev.aerie.store.InvalidStoreException;
import dev.aerie.store.Part;
import dev.aerie.store.PlannedCounts;
import dev.aerie.store.StateLayout;
import dev.aerie.store.StoreSettings;
import dev.aerie.store.TeacherRows;
import dev.aerie.target.CaptureLayers;
import dev.aerie.target.Target;
import dev.aerie.target.spec.TargetConfig;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.Partitioner;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.util.LongAccumulator;
import org.apache.spark.util.SerializableConfiguration;
import scala.Tuple2;

/**
 * Runs tokenised conversations through the target and writes its hidden states to the store. One task makes one shard.
 *
 * <p>A run resumes an earlier one: committed shards are not made again. Killed tasks, speculative duplicates and another number
 * of executors do not change the content of the store.
 */
public final class Capture {

    private final SparkSession spark;
    private final CaptureSettings settings;
    private final PrintStream console;
    private final ShardObserver observer;
    private long maxBytes = Long.MAX_VALUE;
    private LocalDate date;

    /** @param console receives the plan and the progress */
    public Capture(SparkSession spark, CaptureSettings settings, PrintStream console) {
        this(spark, settings, console, ShardObserver.NONE);
    }

    Capture(SparkSession spark, CaptureSettings settings, PrintStream console, ShardObserver observer) {
        this.spark = spark;
        this.settings = settings;
        this.console = console;
        this.observer = observer;
    }

    /** Sets the largest number of bytes; a store that is expected to take more is refused. */
    public Capture within(long maxBytes) {
        this.maxBytes = maxBytes;
        return this;
    }

    /** Sets the date of rendering, which the store keeps. */
    public Capture dated(LocalDate day) {
        this.date = day;
        return this;
    }

    /**
     * Refuses, before any work, a store with other settings. {@link #run} compares what depends on the conversations.
     *
     * @throws InvalidStoreException naming the field that differs, its value and the expected one
     */
    public void requireCompatibleStore() throws IOException {
        Configuration conf = configuration();
        if (HiddenStateStore.exists(settings.output().store(), conf)) {
            HiddenStateStore store = HiddenStateStore.openPartial(settings.output().store(), conf);
            StoreSettings found = store.settings();
            found.require("fingerprints.target", Fingerprint.ofTarget(settings.target().model().folder(conf)), store.uri());
            found.require("fingerprints.tokenizer", settings.origin().tokenizer(), store.uri());
            found.require("fingerprints.template", settings.origin().template(), store.uri());
            found.require("states.capture_layers", settings.captureLayers(), store.uri());
            found.require("states.teacher_rows", settings.output().teacherRows(), store.uri());
            found.require("states.codec", settings.output().codec(), store.uri());
            found.require("states.container", settings.output().container(), store.uri());
            found.requireCapturedBy(deciding(), store.uri());
        }
    }

    /**
     * Makes the store, or completes it.
     *
     * @param tokens with the columns of {@link TokenizedRow#SCHEMA}
     * @throws InvalidStoreException if the store was made from other inputs or settings, or does not fit its file system
     */
    public CaptureReport run(Dataset<Row> tokens) throws IOException {
        return run(tokens, inputs -> {});
    }

    /** Writes the files of a store beside its shards. */
    public interface Beside {

        /** @param inputs the fingerprint of the conversations, as in the store's settings */
        void write(String inputs) throws IOException;
    }

    /**
     * As {@link #run(Dataset)}.
     *
     * @param beside called once the store is known to belong to these conversations, before any shard is made
     */
    public CaptureReport run(Dataset<Row> tokens, Beside beside) throws IOException {
        JavaRDD<TokenizedRow> rows = tokens.javaRDD().map(TokenizedRow::of);
        CapturePlan plan = plan(rows);
        if (plan.bytes() > maxBytes) {
            throw new InvalidStoreException(String.format(Locale.ROOT,
                    "Invalid store.max_bytes: %,d (expected at least the %,d bytes that the plan takes)",
                    maxBytes, plan.bytes()));
        }
        HiddenStateStore store = HiddenStateStore.create(settings.output().store(), configuration(), plan.settings());
        beside.write(plan.settings().fingerprints().inputs());
        int[] missing = store.missingShards().stream().mapToInt(Integer::intValue).toArray();
        long todo = 0;
        for (int shard : missing) {
            todo += plan.shards().tokens(shard);
        }
        console.println("prepare: " + plan);
        if (missing.length < plan.shards().shards()) {
            console.printf(Locale.ROOT, "prepare: %,d of %,d shards are committed already%n",
                    plan.shards().shards() - missing.length, plan.shards().shards());
        }
        requireRoom(plan.bytesOf(todo));
        RefusalLimit limit = new RefusalLimit(settings.maxRefusedShare(), plan.settings().planned().conversations());
        long start = System.nanoTime();
        CaptureTimes times = CaptureTimes.of(spark.sparkContext());
        if (missing.length > 0) {
            capture(rows, store.uri(), plan.shards(), limit, missing, todo, times, HiddenStateStore::attempt);
        }
        HiddenStateStore committed = HiddenStateStore.openPartial(settings.output().store(), configuration());
        limit.require(committed.shards().stream().flatMap(s -> s.refused().stream()).toList());
        HiddenStateStore whole = committed.complete();
        whole.removeOrphans();
        double seconds = (System.nanoTime() - start) / 1e9;
        Set<Integer> made = new HashSet<>(store.missingShards());
        long done = whole.shards().stream().filter(s -> made.contains(s.shard())).mapToLong(s -> s.tokens()).sum();
        long refused = whole.shards().stream().mapToLong(s -> s.refused().size()).sum();
        console.printf(Locale.ROOT, "prepare: done, %,d tokens in %s, %,.0f tokens/s, %,d conversations refused%n",
                done, CaptureObserver.clock((long) seconds), done / seconds, refused);
        if (missing.length > 0) {
            console.println("prepare: of the tasks' time, " + times);
        }
        return new CaptureReport(whole, missing.length, done, seconds, refused);
    }

    /**
     * Makes committed shards again, whose files are damaged or gone. A file is replaced only by the bytes that its marker
     * describes.
     *
     * @param tokens the store's own, with the columns of {@link TokenizedRow#SCHEMA}
     * @throws InvalidStoreException if the store was made from other inputs or settings
     */
    public void again(Dataset<Row> tokens, List<Integer> shards) throws IOException {
        JavaRDD<TokenizedRow> rows = tokens.javaRDD().map(TokenizedRow::of);
        HiddenStateStore store = HiddenStateStore.openPartial(settings.output().store(), configuration());
        Optional.ofNullable(store.settings().date()).map(LocalDate::parse).ifPresent(this::dated);
        CapturePlan plan = plan(rows);
        store.settings().requireSame(plan.settings(), store.uri());
        int[] numbers = shards.stream().mapToInt(Integer::intValue).sorted().toArray();
        long todo = Arrays.stream(numbers).mapToLong(plan.shards()::tokens).sum();
        requireRoom(plan.bytesOf(todo));
        RefusalLimit limit = new RefusalLimit(settings.maxRefusedShare(), plan.settings().planned().conversations());
        capture(rows, store.uri(), plan.shards(), limit, numbers, todo, CaptureTimes.of(spark.sparkContext()),
                HiddenStateStore::again);
    }

    private void capture(
            JavaRDD<TokenizedRow> rows, String store, ShardPlan plan, RefusalLimit limit, int[] missing, long todo,
            CaptureTimes times, ShardTask.Attempts attempts) {
        JavaSparkContext context = JavaSparkContext.fromSparkContext(spark.sparkContext());
        int[] partitionOf = new int[plan.shards()];
        Arrays.fill(partitionOf, -1);
        for (int i = 0; i < missing.length; i++) {
            partitionOf[missing[i]] = i;
        }
        LongAccumulator counted = spark.sparkContext().longAccumulator("tokens captured");
        CaptureObserver progress = new CaptureObserver(counted.id(), todo, console);
        Broadcast<ShardPlan> shared = context.broadcast(plan);
        spark.sparkContext().addSparkListener(progress);
        try {
            RunningTasks.awaiting(spark.sparkContext(), "Hidden states of " + missing.length + " shards", () -> {
                rows.filter(r -> partitionOf[shared.value().shardOf(r.position())] >= 0)
                        .mapToPair(r -> new Tuple2<>(
                                key(partitionOf[shared.value().shardOf(r.position())], shared.value().orderOf(r.position())), r))
                        .repartitionAndSortWithinPartitions(new ByShard(missing.length))
                        .foreachPartition(new ShardTask(
                                settings.withStore(store), new SerializableConfiguration(configuration()), limit, missing,
                                counted, times, observer, attempts));
                return null;
            });
        } finally {
            spark.sparkContext().removeSparkListener(progress);
            shared.unpersist();
            ResidentTargets.release();
        }
    }

    private static long key(int partition, int order) {
        return (long) partition << 32 | order;
    }

    /** Sends a key to the partition in its upper half; the lower half sorts it there. */
    private static final class ByShard extends Partitioner {

        private final int partitions;

        ByShard(int partitions) {
            this.partitions = partitions;
        }

        @Override
        public int numPartitions() {
            return partitions;
        }

        @Override
        public int getPartition(Object key) {
            return (int) ((Long) key >> 32);
        }

        @Override
        public boolean equals(Object other) {
            return other instanceof ByShard b && b.partitions == partitions;
        }

        @Override
        public int hashCode() {
            return partitions;
        }
    }

    private CapturePlan plan(JavaRDD<TokenizedRow> rows) throws IOException {
        Path folder = settings.target().model().folder(configuration());
        TargetConfig target = Target.config(folder);
        CaptureLayers.check(settings.layers(), target.layers());
        TeacherRows teacherRows = settings.output().teacherRows();
        List<ConversationSummary> all = new ArrayList<>(rows.map(r -> ConversationSummary.of(r, teacherRows)).collect());
        all.sort(Comparator.comparingLong(ConversationSummary::position));
        requireDistinct(all);
        ShardPlan shards = ShardPlan.of(all, settings.output().shardTokens(), settings.continuationTokens(), settings.output()
                .seed());
        Sha256 inputs = new Sha256();
        all.forEach(c -> inputs.add(c.digest()));
        // The keys that decide the numbers; auto has been replaced by a type before.
        String rest = String.join("\n", settings.target().dtype().toString(), settings.origin().settings().toString(),
                shards.fingerprint());
        Fingerprints fingerprints = new Fingerprints(
                Fingerprint.ofTarget(folder),
                settings.origin().tokenizer(),
                settings.origin().template(),
                inputs.hex(),
                Sha256.of(rest));
        long heldOut = all.stream().filter(c -> c.part() == Part.HELD_OUT).count();
        long trained = all.stream().filter(c -> c.part() == Part.TRAIN).mapToLong(ConversationSummary::tokens).sum();
        StateLayout states = new StateLayout(target.hiddenSize(), settings.captureLayers(), teacherRows,
                Codec.of(settings.output().codec()), settings.output().container());
        StoreSettings store = StoreSettings.of(fingerprints, states,
                new PlannedCounts(shards.shards(), all.size(), heldOut, trained))
                .dated(date == null ? null : date.toString()).capturedBy(deciding());
        return CapturePlan.of(all, shards, store, settings.continuationTokens());
    }

    /** Returns the settings that decide the numbers of states, in which a type has taken the place of auto. */
    private SortedMap<String, String> deciding() {
        SortedMap<String, String> values = new TreeMap<>(settings.origin().settings());
        values.put("target.dtype", settings.target().dtype().toString());
        return values;
    }

    private static void requireDistinct(List<ConversationSummary> sorted) {
        Set<String> ids = new HashSet<>();
        for (int i = 0; i < sorted.size(); i++) {
            ConversationSummary c = sorted.get(i);
            if (!ids.add(c.part().text() + "/" + c.id())) {
                throw new IllegalArgumentException("Invalid conversation id: " + c.id() + " twice (expected each once)");
            }
            if (i > 0 && sorted.get(i - 1).position() == c.position()) {
                throw new IllegalArgumentException("Invalid position: " + c.position() + " twice (expected each once)");
            }
            if (c.tokens() == 0) {
                throw new IllegalArgumentException("Invalid conversation " + c.id() + ": no tokens (expected at least one)");
            }
        }
    }

    private void requireRoom(long bytes) throws IOException {
        long free = HiddenStateStore.freeBytes(settings.output().store(), configuration());
        if (bytes > free) {
            throw new InvalidStoreException(String.format(Locale.ROOT,
                    "Invalid store %s: its file system has %.2f GB free (expected the %.2f GB that the missing shards take)",
                    settings.output().store(), free / 1e9, bytes / 1e9));
        }
    }

    private Configuration configuration() {
        return spark.sparkContext().hadoopConfiguration();
    }
}
