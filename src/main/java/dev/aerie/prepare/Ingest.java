package dev.aerie.prepare;

import static org.apache.spark.sql.functions.coalesce;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.concat;
import static org.apache.spark.sql.functions.count;
import static org.apache.spark.sql.functions.explode;
import static org.apache.spark.sql.functions.filter;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.row_number;
import static org.apache.spark.sql.functions.sha2;
import static org.apache.spark.sql.functions.size;
import static org.apache.spark.sql.functions.substring;
import static org.apache.spark.sql.functions.sum;
import static org.apache.spark.sql.functions.when;

import dev.aerie.clean.Cleaning;
import dev.aerie.clean.Documents;
import dev.aerie.errors.RefusalException;
import dev.aerie.files.Sha256;
import dev.aerie.spark.RunningTasks;
import dev.aerie.store.Part;
import dev.aerie.text.ConversationEncoder;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.expressions.Window;
import org.apache.spark.storage.StorageLevel;
import org.apache.spark.util.SerializableConfiguration;

/**
 * Makes the tokens table from files and tables of conversations: reads, quarantines, drops duplicates, tokenises, holds out some
 * conversations, and counts tokens.
 *
 * <p>The result depends on the inputs and the settings, never on the number of partitions or executors: a record's position (file
 * and index) decides which of two duplicates is kept, how an id that occurs twice is made unique, and the order of the table.
 */
public final class Ingest {

    private final SparkSession spark;
    private final IngestSettings settings;
    private String decided = "";
    /** What a store has already; null if one is made. */
    private StoredConversations stored;

    public Ingest(SparkSession spark, IngestSettings settings) {
        this.spark = spark;
        this.settings = settings;
    }

    /**
     * Reads and tokenises; writes nothing yet.
     *
     * @param targetVocabSize rows of the target's embedding
     * @throws RefusalException if an input is missing, too little is supervised, or nothing is left to train on
     */
    public IngestedTables run(int targetVocabSize) throws IOException {
        return RunningTasks.awaiting(spark.sparkContext(), "Ingest", () -> ingest(targetVocabSize));
    }

    /** Sets everything besides the records that tokens, loss masks and their order follow from. */
    public Ingest decidedBy(String values) {
        this.decided = values;
        return this;
    }

    /**
     * Returns a digest of what the tables follow from: the inputs' files as they are now, by path, length and time of change,
     * and what {@link #decidedBy} said.
     *
     * @return empty if a table or a query is among the inputs, because its rows may change unseen
     */
    public Optional<String> origin() throws IOException {
        Sha256 sha = new Sha256().add(decided);
        for (IngestSettings.Input input : settings.inputs()) {
            if (!(input.origin() instanceof IngestSettings.Files named)) {
                return Optional.empty();
            }
            sha.add("\n" + input);
            for (String path : ConversationFiles.search(named.path(), configuration()).files()) {
                Path file = new Path(path);
                FileStatus status = file.getFileSystem(configuration()).getFileStatus(file);
                sha.add("\n" + path + " " + status.getLen() + " " + status.getModificationTime());
            }
        }
        return Optional.of(sha.hex());
    }

    /** Takes only conversations that a store does not have; none of them is held out. */
    public Ingest beside(StoredConversations known) {
        this.stored = known;
        return this;
    }

    private IngestedTables ingest(int targetVocabSize) throws IOException {
        Optional<String> origin = origin();
        Cleaning cleaning = new Cleaning(spark, settings.cleaning());
        InputFile.Inputs inputs = InputFile.find(settings.inputs(), spark);
        Dataset<Row> records = records(inputs).persist(StorageLevel.DISK_ONLY());
        Dataset<Row> distinct = withoutDuplicates(records);
        Dataset<Row> removed = settings.cleaning().isNone() ? null
                : removed(cleaning, distinct);
        Dataset<Row> clean = removed == null ? distinct : distinct.join(removed.select("position"),
                new String[] {"position"}, "left_anti");
        // After the cleaning: which of several near duplicates stays must not depend on what the store has.
        Dataset<Row> fresh = stored == null ? clean : stored.without(clean);
        Dataset<Row> encoded = encode(fresh).persist(StorageLevel.DISK_ONLY());
        Dataset<Row> usable = encoded.where(col("reason").isNull());
        Dataset<Row> tokens = split(stored == null ? DistinctIds.of(usable) : DistinctIds.of(usable, stored.ids()))
                .persist(StorageLevel.DISK_ONLY());
        List<Dataset<Row>> kept = Stream.of(records, removed, encoded, tokens).filter(Objects::nonNull).toList();
        Dataset<Row> refused = quarantine(records, removed, encoded);
        try {
            IngestReport report = report(records, refused, tokens, encoded, inputs.passedOver().size());
            if (stored != null) {
                report = report.withStored(stored.of(clean).count());
            }
            if (stored == null || report.train() > 0) {
                check(report, records);
            }
            return new IngestedTables(report, kept, refused,
                    TokenFrequencies.of(tokens.where(col("part").equalTo(Part.TRAIN.text())), targetVocabSize), origin);
        } catch (IOException | RuntimeException e) {
            IngestedTables.letGo(kept);
            throw e;
        }
    }

    private Dataset<Row> records(InputFile.Inputs inputs) {
        List<Dataset<Row>> all = new ArrayList<>();
        if (!inputs.files().isEmpty()) {
            all.add(records(inputs.files()));
        }
        inputs.tables().forEach(table -> all.add(table.read()));
        return all.stream().reduce(Dataset::union).orElseThrow();
    }

    private Dataset<Row> records(List<InputFile> files) {
        SerializableConfiguration conf = new SerializableConfiguration(configuration());
        // A file is read by one task, because neither an array nor a compressed file can be read from the middle.
        JavaRDD<Row> rows = JavaSparkContext.fromSparkContext(spark.sparkContext())
                .parallelize(files, files.size())
                .flatMap(file -> file.read(conf.value()));
        return spark.createDataFrame(rows, RecordRow.SCHEMA);
    }

    private static Dataset<Row> withoutDuplicates(Dataset<Row> records) {
        Column place = row_number().over(Window.partitionBy("content_hash").orderBy("position"));
        return records.where(col("reason").isNull())
                .withColumn("place", place)
                .where(col("place").equalTo(1))
                .drop("place");
    }

    private Dataset<Row> encode(Dataset<Row> records) {
        int tasks = 3 * spark.sparkContext().defaultParallelism();
        JavaRDD<Row> rows = records.repartition(tasks).toJavaRDD().mapPartitions(new EncodeRecords(
                settings, new SerializableConfiguration(configuration())));
        return spark.createDataFrame(rows, EncodeRecords.SCHEMA);
    }

    /** Holds out conversations chosen by a hash, so that the choice depends as little as possible on the other inputs. */
    private Dataset<Row> split(Dataset<Row> conversations) {
        Column train = lit(Part.TRAIN.text());
        Column part = train;
        if (settings.heldOut() > 0 && stored == null) {
            Dataset<Row> held = conversations
                    // A conversation without a prompt cannot be continued, so it is held out only if all others are.
                    .orderBy(col("loss_mask").getItem(0), sha2(concat(lit(settings.seed() + "/"), col("id")), 256),
                            col("position"))
                    .limit(settings.heldOut())
                    .select(col("position").as("held_position"));
            conversations = conversations.join(held, col("position").equalTo(col("held_position")), "left");
            part = when(col("held_position").isNotNull(), lit(Part.HELD_OUT.text())).otherwise(train);
        }
        return conversations.select(
                col("position"), col("id"), col("source"), coalesce(part, train).as("part"), col("input_ids"), col("loss_mask"),
                col("content_hash"));
    }

    /** Adds to each conversation that cleaning removes what the quarantine shows of it. */
    private Dataset<Row> removed(Cleaning cleaning, Dataset<Row> records) {
        JavaRDD<Row> documents = records.toJavaRDD().map(RecordRow::document);
        Dataset<Row> table = spark.createDataFrame(documents, Documents.SCHEMA).persist(StorageLevel.DISK_ONLY());
        try (cleaning) {
            Dataset<Row> removed = records.drop("reason", "excerpt").join(cleaning.removed(table), "position")
                    .select(col("position"), col("id"), col("source"), col("reason"),
                            substring(col("conversation"), 1, 200).as("excerpt"))
                    .persist(StorageLevel.DISK_ONLY());
            // Computed here, before the tables it is made from are let go.
            removed.count();
            return removed;
        } finally {
            table.unpersist();
        }
    }

    private static Dataset<Row> quarantine(Dataset<Row> records, Dataset<Row> removed, Dataset<Row> encoded) {
        Column[] columns = {col("position"), col("id"), col("source"), col("reason"), col("excerpt")};
        Dataset<Row> read = records.where(col("reason").isNotNull()).select(columns);
        return (removed == null ? read : read.unionByName(removed.select(columns)))
                .unionByName(encoded.where(col("reason").isNotNull()).select(columns))
                .coalesce(1)
                .sortWithinPartitions("position");
    }

    private IngestReport report(
            Dataset<Row> records, Dataset<Row> refused, Dataset<Row> tokens, Dataset<Row> encoded, int passedOver) {
        long read = records.count();
        Map<String, Long> reasons = QuarantineReasons.of(refused.select("reason"));
        List<String> lost = records.where(col("rest_lost")).orderBy("position").limit(IngestReport.LOST_TOLD)
                .select(concat(col("source"), lit(": "), col("reason"))).as(Encoders.STRING()).collectAsList();
        long kept = 0;
        long held = 0;
        long all = 0;
        long supervised = 0;
        Dataset<Row> sums = tokens.groupBy("part")
                .agg(count(lit(1)), sum(size(col("input_ids"))), sum(size(filter(col("loss_mask"), one -> one))));
        for (Row row : sums.collectAsList()) {
            boolean train = row.getString(0).equals(Part.TRAIN.text());
            kept += train ? row.getLong(1) : 0;
            held += train ? 0 : row.getLong(1);
            all += row.getLong(2);
            supervised += row.getLong(3);
        }
        long quarantined = reasons.values().stream().mapToLong(Long::longValue).sum();
        Map<String, Long> unread =
                new TreeMap<>(encoded.select(explode(col("unread_fields")).as("field")).groupBy("field").count()
                .collectAsList().stream().collect(Collectors.toMap(row -> row.getString(0), row -> row.getLong(1))));
        return new IngestReport(read, read - quarantined - kept - held, reasons, kept, held, all, supervised, unread, lost,
                passedOver);
    }

    private void check(IngestReport report, Dataset<Row> records) throws IOException {
        if (report.train() == 0) {
            throw new RefusalException("Invalid data: nothing to train on is left of " + report + (report.heldOut() > 0
                    ? " (expected more conversations than data.held_out.count)"
                    : " (expected at least one conversation)"));
        }
        double share = (double) report.supervised() / report.tokens();
        if (share < settings.minSupervisedShare()) {
            Row first = records.where(col("reason").isNull()).orderBy("position").first();
            throw new RefusalException(String.format(Locale.ROOT,
                    "Invalid loss mask: %.2f %% of the tokens are supervised (expected at least %.2f %%, "
                            + "data.min_supervised_share). "
                            + "Is the assistant header right? The first conversation, supervised text marked:%n%s",
                    100 * share, 100 * settings.minSupervisedShare(), preview(first)));
        }
    }

    private String preview(Row record) throws IOException {
        try (ConversationEncoder encoder = new ConversationEncoder(settings.encoderHere(configuration()))) {
            return encoder.preview(RecordRow.conversation(record));
        }
    }

    private Configuration configuration() {
        return spark.sparkContext().hadoopConfiguration();
    }
}
