package dev.aerie.prepare;

import dev.aerie.files.Folder;
import dev.aerie.files.Sha256;
import dev.aerie.spark.RunningTasks;
import dev.aerie.store.Codec;
import dev.aerie.store.CommittedShard;
import dev.aerie.store.Fingerprints;
import dev.aerie.store.Generation;
import dev.aerie.store.HiddenStateStore;
import dev.aerie.store.InvalidStoreException;
import dev.aerie.store.PlannedCounts;
import dev.aerie.store.RollingStore;
import dev.aerie.store.StateLayout;
import dev.aerie.store.StoreLayout;
import dev.aerie.store.StoreSettings;
import dev.aerie.store.StoreTables;
import dev.aerie.store.TeacherRows;
import dev.aerie.target.CaptureLayers;
import dev.aerie.target.Target;
import dev.aerie.target.spec.TargetConfig;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.UUID;
import java.util.stream.IntStream;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.storage.StorageLevel;
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
            String store = Folder.at(settings.output().store(), conf).uri();
            StoreSettings found = HiddenStateStore.settings(store, conf);
            found.require("fingerprints.target", Fingerprint.ofTarget(settings.target().model().folder(conf)), store);
            found.require("fingerprints.tokenizer", settings.origin().tokenizer(), store);
            found.require("fingerprints.template", settings.origin().template(), store);
            found.require("states.capture_layers", settings.captureLayers(), store);
            found.require("states.teacher_rows", settings.output().teacherRows(), store);
            found.require("states.codec", settings.output().codec(), store);
            found.require("states.container", settings.output().container(), store);
            found.requireCapturedBy(deciding(), store);
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
        plan(tokens, beside);
        return resume().orElseThrow();
    }

    /**
     * Creates the store and writes all of it but its shards.
     *
     * @param tokens with the columns of {@link TokenizedRow#SCHEMA}
     * @param beside called once the store is known to belong to these conversations
     * @throws InvalidStoreException if the store was made from other inputs or settings, or is expected to take too many bytes
     */
    public void plan(Dataset<Row> tokens, Beside beside) throws IOException {
        JavaRDD<TokenizedRow> rows = tokens.javaRDD().map(TokenizedRow::of);
        ConversationSummaries conversations =
                conversations(spark, rows, settings.output().teacherRows(), settings.continuationTokens());
        ShardPlan shards = ShardPlan.of(conversations, settings.output().shardTokens(), settings.output().seed());
        CapturePlan plan = plan(conversations, shards);
        requireWithin(plan);
        HiddenStateStore.create(settings.output().store(), configuration(), plan.settings());
        HiddenStateStore.requireNotChanged(settings.output().store(), configuration());
        String inputs = plan.settings().fingerprints().inputs();
        Folder folder = Folder.at(settings.output().store(), configuration());
        PlannedTokens.write(spark, rows, shards, plan.teacherRows(), folder, inputs);
        beside.write(inputs);
    }

    /** Returns whether the store has tokens in the order of its plan, so that it can be completed without its inputs. */
    public boolean isPlanned() throws IOException {
        return HiddenStateStore.exists(settings.output().store(), configuration()) && findTokens().isPresent();
    }

    private Optional<PlannedTokens> findTokens() throws IOException {
        StoreSettings store = HiddenStateStore.settings(settings.output().store(), configuration());
        return PlannedTokens.find(Folder.at(settings.output().store(), configuration()), store.fingerprints().inputs());
    }

    /**
     * Completes a store whose plan and tokens were written by an earlier run. Nothing is planned, and nothing shuffled.
     *
     * @return empty if the store has no tokens in the order of its plan, so that {@link #run} is needed
     * @throws InvalidStoreException if the store was made with other settings, or does not fit its file system
     */
    public Optional<CaptureReport> resume() throws IOException {
        if (!HiddenStateStore.exists(settings.output().store(), configuration())) {
            return Optional.empty();
        }
        Optional<PlannedTokens> tokens = findTokens();
        return tokens.isEmpty() ? Optional.empty() : Optional.of(complete(planned(tokens.get())));
    }

    private CaptureReport complete(Planned planned) throws IOException {
        CapturePlan plan = planned.plan();
        requireWithin(plan);
        HiddenStateStore store = HiddenStateStore.openPartial(settings.output().store(), configuration());
        int[] missing = ints(store.missingShards());
        console.println("prepare: " + plan);
        if (missing.length < plan.shards()) {
            console.printf(Locale.ROOT, "prepare: %,d of %,d shards are committed already%n",
                    plan.shards() - missing.length, plan.shards());
        }
        requireRoom(planned, missing);
        long start = System.nanoTime();
        if (missing.length > 0) {
            capture(planned, missing, HiddenStateStore::attempt);
            store = HiddenStateStore.openPartial(settings.output().store(), configuration());
        }
        restoreEvicted(planned);
        planned.limit().require(store.shards().stream().flatMap(s -> s.refused().stream()).toList());
        HiddenStateStore whole = store.complete();
        whole.removeOrphans();
        return report("done", whole, whole.shards(), missing, start, planned.times());
    }

    /**
     * Says what was done.
     *
     * @param own shards of the plan
     * @param made those of them that were made
     * @param start when, in nanoseconds
     */
    private CaptureReport report(String what, HiddenStateStore whole, List<CommittedShard> own, int[] made, long start,
            CaptureTimes times) {
        double seconds = (System.nanoTime() - start) / 1e9;
        long done = Arrays.stream(made).mapToLong(shard -> whole.shards().get(shard).tokens()).sum();
        long refused = own.stream().mapToLong(s -> s.refused().size()).sum();
        console.printf(Locale.ROOT, "prepare: %s, %,d tokens in %s, %,.0f tokens/s, %,d conversations refused%n",
                what, done, CaptureObserver.clock((long) seconds), done / seconds, refused);
        if (made.length > 0) {
            console.println("prepare: of the tasks' time, " + times);
        }
        return new CaptureReport(whole, made.length, done, seconds, refused);
    }

    /** Writes the files of a generation beside its shards. */
    public interface BesideGeneration {

        /**
         * @param folder of the generation, below the store's, for files whose names end in the attempt's
         * @param inputs the fingerprint of all conversations of the generation
         * @return what the generation reads
         */
        StoreTables write(String folder, String attempt, String inputs, String tokens) throws IOException;
    }

    /**
     * Adds conversations to a complete store, as further shards of a new generation. What is there stays as it is.
     *
     * @param store its newest generation
     * @param tokens of the conversations that it does not have
     * @param beside called before the generation is begun
     * @throws InvalidStoreException if another run has begun a generation meanwhile, or the shards do not fit
     */
    public CaptureReport append(HiddenStateStore store, Dataset<Row> tokens, BesideGeneration beside) throws IOException {
        JavaRDD<TokenizedRow> rows = tokens.javaRDD().map(TokenizedRow::of);
        ConversationSummaries conversations = conversations(
                spark, rows, settings.output().teacherRows(), settings.continuationTokens());
        ShardPlan shards = ShardPlan.of(conversations, settings.output().shardTokens(), settings.output().seed());
        StoreSettings own = plan(conversations, shards).settings();
        StoreSettings before = store.settings();
        int first = before.planned().shards();
        PlannedCounts counts = before.planned();
        StoreSettings whole = before.with(
                Sha256.of(before.fingerprints().inputs() + "\n" + own.fingerprints().inputs()),
                Sha256.of(before.fingerprints().settings() + "\n" + own.fingerprints().settings()),
                new PlannedCounts(first + shards.shards(), counts.conversations() + conversations.size(), counts.heldOut(),
                        counts.tokens() + conversations.trainedTokens()));
        long present = store.shards().stream().mapToLong(CommittedShard::bytes).sum();
        requireWithin(present + new CapturePlan(own, shards.tokens(), conversations.teacherRows()).bytes());
        String attempt = UUID.randomUUID().toString().replace("-", "").substring(0, 12);
        int number = store.generation() + 1;
        String folder = StoreLayout.folder(number);
        String table = folder + "/" + StoreLayout.TOKENS + "-" + attempt;
        String inputs = whole.fingerprints().inputs();
        PlannedTokens.append(spark, rows, shards, first, conversations.teacherRows(),
                Folder.at(store.uri(), configuration()), table, inputs);
        Generation mine = Generation.of(number, Generation.Operation.APPEND, conversations.size(),
                IntStream.range(first, first + shards.shards()).boxed().toList(), whole,
                beside.write(folder, attempt, inputs, table));
        HiddenStateStore begun = store.begin(mine);
        if (!begun.changes().orElseThrow().equals(mine)) {
            throw new InvalidStoreException("Invalid store " + store.uri() + ": another run has begun generation " + number
                    + " (expected one that changes a store at a time; run again)");
        }
        return finish(begun);
    }

    /**
     * Captures the missing shards of an append that was begun.
     *
     * @throws InvalidStoreException if the store was made with other settings, or the shards do not fit
     */
    public CaptureReport finish(HiddenStateStore pending) throws IOException {
        Generation changes = pending.changes().orElseThrow();
        Planned planned = later(pending, changes.conversations());
        int[] missing = ints(pending.missingShards());
        console.printf(Locale.ROOT, "prepare: generation %d adds %,d conversations in %,d shards, %,d of them to be made%n",
                pending.generation(), changes.conversations(), changes.shards().size(), missing.length);
        requireRoom(planned, missing);
        long start = System.nanoTime();
        if (missing.length > 0) {
            int generation = pending.generation();
            capture(planned, missing, (uri, conf, shard) -> HiddenStateStore.attempt(uri, conf, generation, shard));
        }
        HiddenStateStore made = HiddenStateStore.openPending(pending.uri(), configuration()).orElse(null);
        // Another run may have completed it meanwhile.
        HiddenStateStore whole = made != null && made.generation() == pending.generation()
                ? completed(made, changes, planned.limit()) : HiddenStateStore.open(pending.uri(), configuration(), pending.generation());
        List<CommittedShard> own = changes.shards().stream().map(whole.shards()::get).toList();
        return report("done, generation " + whole.generation(), whole, own, missing, start, planned.times());
    }

    private static HiddenStateStore completed(HiddenStateStore made, Generation changes, RefusalLimit limit) throws IOException {
        made.requireComplete();
        limit.require(changes.shards().stream().flatMap(s -> made.shards().get(s).refused().stream()).toList());
        HiddenStateStore whole = made.complete();
        whole.removeOrphans();
        return whole;
    }

    /** Makes the shards again that a rolling store has evicted, so that it keeps all of them from now on. */
    private void restoreEvicted(Planned planned) throws IOException {
        RollingStore rolling = RollingStore.at(planned.store(), configuration());
        if (rolling.exists()) {
            int[] evicted = ints(rolling.evicted());
            if (evicted.length > 0) {
                console.printf(Locale.ROOT, "prepare: making %,d shards again that the store had evicted%n", evicted.length);
                requireRoom(planned, evicted);
                capture(planned, evicted, HiddenStateStore::rolling);
            }
            rolling.end();
        }
    }

    /** What making some shards of a planned store takes. */
    record Planned(String store, CapturePlan plan, PlannedTokens tokens, RefusalLimit limit, CaptureTimes times) {}

    /**
     * Returns what the shards of a store's first generation take.
     *
     * @throws InvalidStoreException if the store was made with other settings, or has no tokens
     */
    Planned planned() throws IOException {
        Folder folder = Folder.at(settings.output().store(), configuration());
        return planned(findTokens().orElseThrow(() ->
                new InvalidStoreException("Invalid store " + folder + ": its " + StoreLayout.TOKENS
                        + " is damaged or of other conversations (expected that of its plan; run prepare again)")));
    }

    private Planned planned(PlannedTokens tokens) throws IOException {
        Folder folder = Folder.at(settings.output().store(), configuration());
        CapturePlan plan = planned(HiddenStateStore.settings(folder.uri(), configuration()), tokens);
        return planned(folder.uri(), plan, tokens, plan.settings().planned().conversations());
    }

    /** Returns what the shards of a later generation take, which may refuse a share of so many conversations. */
    private Planned later(HiddenStateStore store, long conversations) throws IOException {
        requireCompatibleStore();
        PlannedTokens tokens = PlannedTokens.of(store, configuration());
        return planned(store.uri(), new CapturePlan(store.settings(), tokens.shardTokens(), tokens.teacherRows()), tokens,
                conversations);
    }

    private Planned planned(String store, CapturePlan plan, PlannedTokens tokens, long conversations) {
        return new Planned(store, plan, tokens, new RefusalLimit(settings.maxRefusedShare(), conversations),
                CaptureTimes.of(spark.sparkContext()));
    }

    /** Makes shards of a rolling store, those that were evicted with the bytes that they had. */
    void make(Planned planned, List<Integer> shards) {
        capture(planned, ints(shards), HiddenStateStore::rolling);
    }

    private static int[] ints(List<Integer> shards) {
        return shards.stream().mapToInt(Integer::intValue).toArray();
    }

    SparkSession spark() {
        return spark;
    }

    /** Frees the target that tasks of this process have used, once none uses it: training needs the device's memory. */
    public static void releaseTarget() {
        ResidentTargets.release();
    }

    /**
     * Makes committed shards again, whose files are damaged or gone, from the store's own tokens. A file is replaced only by
     * the bytes that its marker describes.
     *
     * @throws InvalidStoreException if the store was made with other settings, or has no tokens
     */
    public void again(List<Integer> shards) throws IOException {
        HiddenStateStore store = HiddenStateStore.openPartial(settings.output().store(), configuration());
        Planned planned = store.generation() == 1 ? planned() : later(store, store.settings().planned().conversations());
        int[] numbers = shards.stream().mapToInt(Integer::intValue).sorted().toArray();
        requireRoom(planned, numbers);
        capture(planned, numbers, HiddenStateStore::again);
    }

    private void capture(Planned planned, int[] shards, ShardTask.Attempts attempts) {
        JavaSparkContext context = JavaSparkContext.fromSparkContext(spark.sparkContext());
        LongAccumulator counted = spark.sparkContext().longAccumulator("tokens captured");
        CaptureObserver progress = new CaptureObserver(counted.id(), planned.plan().tokens(shards), console);
        spark.sparkContext().addSparkListener(progress);
        try {
            RunningTasks.awaiting(spark.sparkContext(), "Hidden states of " + shards.length + " shards", () -> {
                context.parallelize(Arrays.stream(shards).boxed().toList(), shards.length)
                        .foreachPartition(new ShardTask(
                                settings.withStore(planned.store()), new SerializableConfiguration(configuration()),
                                planned.limit(), planned.tokens().shards(), counted, planned.times(), observer, attempts));
                return null;
            });
        } finally {
            spark.sparkContext().removeSparkListener(progress);
            ResidentTargets.release();
        }
    }

    /** Reads what planning needs of each conversation, in the order of their positions. */
    static ConversationSummaries conversations(
            SparkSession spark, JavaRDD<TokenizedRow> rows, TeacherRows teacherRows, int maxNewTokens) {
        ConversationSummaries all = new ConversationSummaries(teacherRows, maxNewTokens);
        Dataset<Row> summaries = spark.createDataFrame(
                rows.map(row -> ConversationSummary.of(row, teacherRows).toRow()), ConversationSummary.SCHEMA)
                .persist(StorageLevel.DISK_ONLY());
        try {
            // A partition at a time: all together may be more than the driver's heap.
            RunningTasks.awaiting(spark.sparkContext(), "The plan", () -> {
                summaries.orderBy("position").toLocalIterator()
                        .forEachRemaining(row -> all.add(ConversationSummary.of(row)));
                return null;
            });
        } finally {
            summaries.unpersist();
        }
        if (all.mayHaveEqualNames()) {
            requireDistinct(rows);
        }
        return all;
    }

    private static void requireDistinct(JavaRDD<TokenizedRow> rows) {
        List<Tuple2<String, Integer>> twice = rows.mapToPair(row -> new Tuple2<>(row.part().text() + "/" + row.id(), 1))
                .reduceByKey(Integer::sum).filter(name -> name._2() > 1).take(1);
        if (!twice.isEmpty()) {
            String name = twice.get(0)._1();
            throw new IllegalArgumentException("Invalid conversation id: " + name.substring(name.indexOf('/') + 1)
                    + " twice (expected each once)");
        }
    }

    private CapturePlan plan(ConversationSummaries conversations, ShardPlan shards) throws IOException {
        Path folder = settings.target().model().folder(configuration());
        TargetConfig target = Target.config(folder);
        CaptureLayers.check(settings.layers(), target.layers());
        Fingerprints fingerprints = new Fingerprints(
                Fingerprint.ofTarget(folder),
                settings.origin().tokenizer(),
                settings.origin().template(),
                conversations.fingerprint(),
                settingsFingerprint(shards.fingerprint()));
        StateLayout states = new StateLayout(target.hiddenSize(), settings.captureLayers(), settings.output().teacherRows(),
                Codec.of(settings.output().codec()), settings.output().container());
        StoreSettings store = StoreSettings.of(fingerprints, states, new PlannedCounts(
                shards.shards(), conversations.size(), conversations.heldOut(), conversations.trainedTokens()))
                .dated(date == null ? null : date.toString()).capturedBy(deciding());
        return new CapturePlan(store, shards.tokens(), conversations.teacherRows());
    }

    /** Returns the plan that an earlier run has made, if this one would make the same. */
    private CapturePlan planned(StoreSettings store, PlannedTokens tokens) throws IOException {
        requireCompatibleStore();
        store.require("fingerprints.settings", settingsFingerprint(tokens.fingerprint()), settings.output().store());
        return new CapturePlan(store, tokens.shardTokens(), tokens.teacherRows());
    }

    /** Returns the settings that decide the numbers of states, in which a type has taken the place of auto. */
    private SortedMap<String, String> deciding() {
        SortedMap<String, String> values = new TreeMap<>(settings.origin().settings());
        values.put("target.dtype", settings.target().dtype().toString());
        return values;
    }

    /** Returns the digest of what decides the numbers of states, and of the plan. */
    private String settingsFingerprint(String plan) {
        return Sha256.of(String.join("\n", deciding().toString(),
                "store.shard_tokens=" + settings.output().shardTokens(), "store.seed=" + settings.output().seed(), plan));
    }

    private void requireWithin(CapturePlan plan) {
        requireWithin(plan.bytes());
    }

    private void requireWithin(long bytes) {
        if (bytes > maxBytes) {
            throw new InvalidStoreException(String.format(Locale.ROOT,
                    "Invalid store.max_bytes: %,d (expected at least the %,d bytes that the plan takes)",
                    maxBytes, bytes));
        }
    }

    private void requireRoom(Planned planned, int[] shards) throws IOException {
        long bytes = planned.plan().bytesOf(planned.plan().tokens(shards));
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
