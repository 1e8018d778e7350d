package dev.aerie.prepare;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.expr;
import static org.apache.spark.sql.functions.filter;
import static org.apache.spark.sql.functions.size;

import dev.aerie.errors.RefusalException;
import dev.aerie.files.Folder;
import dev.aerie.files.Sha256;
import dev.aerie.spark.RunningTasks;
import dev.aerie.store.Generation;
import dev.aerie.store.HiddenStateStore;
import dev.aerie.store.InvalidStoreException;
import dev.aerie.store.Part;
import dev.aerie.store.PlannedCounts;
import dev.aerie.store.ShardRewrite;
import dev.aerie.store.StoreLayout;
import dev.aerie.store.StoreSettings;
import dev.aerie.store.StoreTables;
import dev.aerie.store.TrainingRecord;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.util.SerializableConfiguration;
import scala.Tuple2;

/**
 * Removes conversations from a store for good, as a new generation in which their shards are written again without them. Until
 * vacuum deletes what is superseded, earlier generations hold them still.
 */
public final class Forget {

    private final SparkSession spark;
    private final String store;

    public Forget(SparkSession spark, String store) {
        this.spark = spark;
        this.store = store;
    }

    /** Which conversations are removed. */
    public sealed interface Selection permits Ids, Where {}

    /** @param ids all of which the store must have */
    public record Ids(List<String> ids) implements Selection {}

    /** @param condition in SQL, over id, part, source, tokens and supervised */
    public record Where(String condition) implements Selection {}

    /**
     * What was done.
     *
     * @param trainings that learned from them
     */
    public record Report(HiddenStateStore store, long conversations, int shards, List<TrainingRecord> trainings) {}

    private record Chosen(Part part, String id, int shard, int tokens) {}

    /**
     * Removes conversations.
     *
     * @throws RefusalException if an id is unknown or the condition selects nothing; nothing is done then
     * @throws InvalidStoreException if the store is incomplete, or an append is not finished in it
     */
    public Report run(Selection selection) throws IOException {
        HiddenStateStore.requireNotRolling(store, conf());
        finishEarlier();
        HiddenStateStore before = HiddenStateStore.open(store, conf());
        Dataset<Row> tokens = TokensTable.planned(spark, before);
        List<Chosen> chosen = chosen(tokens, selection, before.uri());
        HiddenStateStore begun = begin(before, tokens, chosen);
        HiddenStateStore whole = rewrite(begun);
        return new Report(whole, chosen.size(), begun.changes().orElseThrow().shards().size(), trainings(before, chosen));
    }

    /** Finishes a forget that was stopped; its conversations are those that its tables lack. */
    private void finishEarlier() throws IOException {
        HiddenStateStore pending = HiddenStateStore.openPending(store, conf()).orElse(null);
        if (pending == null) {
            return;
        }
        if (pending.changes().orElseThrow().operation() != Generation.Operation.FORGET) {
            throw new InvalidStoreException("Invalid store " + pending.uri() + ": an append is not finished in it "
                    + "(expected prepare --append to be run again first)");
        }
        rewrite(pending);
    }

    private List<Chosen> chosen(Dataset<Row> tokens, Selection selection, String uri) {
        Dataset<Row> rows = tokens.select(col("id"), col("part"), col("source"), size(col("input_ids")).as("tokens"),
                size(filter(col("loss_mask"), one -> one)).as("supervised"), col("shard"));
        List<Row> found;
        if (selection instanceof Ids named) {
            found = rows.where(col("id").isin(named.ids().toArray())).collectAsList();
            Set<String> unknown = new TreeSet<>(named.ids());
            found.forEach(row -> unknown.remove(row.<String>getAs("id")));
            if (!unknown.isEmpty()) {
                throw new RefusalException("Invalid --id: " + String.join(", ", unknown) + " (expected ids of conversations in "
                        + "store " + uri + "; nothing is done)");
            }
        } else {
            String condition = ((Where) selection).condition();
            found = where(rows, condition);
            if (found.isEmpty()) {
                throw new RefusalException("Invalid --where: " + condition + " (expected a condition that some conversation of "
                        + "store " + uri + " satisfies; nothing is done)");
            }
        }
        return found.stream().map(row -> new Chosen(Part.of(row.getAs("part")), row.getAs("id"), row.<Integer>getAs("shard"),
                row.<Integer>getAs("tokens"))).toList();
    }

    private static List<Row> where(Dataset<Row> rows, String condition) {
        Dataset<Row> matching;
        try {
            matching = rows.where(expr(condition));
            matching.queryExecution().analyzed();
        } catch (Exception e) {
            // Spark's exceptions are checked ones that its methods do not declare.
            String reason = String.valueOf(e.getMessage()).lines().filter(line -> !line.isBlank()).findFirst().orElse("");
            throw new RefusalException("Invalid --where: " + condition + ": " + reason
                    + " (expected a condition in Spark SQL over id, part, source, tokens and supervised)");
        }
        return matching.collectAsList();
    }

    private HiddenStateStore begin(HiddenStateStore before, Dataset<Row> tokens, List<Chosen> chosen) throws IOException {
        Folder folder = Folder.at(before.uri(), conf());
        int number = before.generation() + 1;
        String attempt = UUID.randomUUID().toString().replace("-", "").substring(0, 12);
        List<String> names = chosen.stream().map(c -> ShardRewrite.name(c.part(), c.id())).sorted().toList();
        StoreSettings whole = settings(before.settings(), chosen, names);
        String inputs = whole.fingerprints().inputs();
        Dataset<Row> gone = spark.createDataset(names, Encoders.STRING()).toDF("name");
        Column name = expr("concat(part, '/', id)");
        Dataset<Row> kept = tokens.join(gone, name.equalTo(gone.col("name")), "left_anti");

        String table = StoreLayout.of(number, StoreLayout.TOKENS + "-" + attempt);
        PlannedTokens.rewrite(spark, kept, PlannedTokens.of(before, conf()), folder, table, inputs);
        String vocabulary = StoreLayout.of(number, "vocabulary-" + attempt + ".json");
        frequencies(before, gone, name).write(folder, vocabulary, inputs, draftVocabSize(folder, before));
        List<String> quarantine = quarantine(before, chosen, folder,
                StoreLayout.of(number, StoreLayout.QUARANTINE + "-" + attempt), inputs);
        String forgotten = StoreLayout.of(number, StoreLayout.FORGOTTEN + "-" + attempt);
        Dataset<Row> hashes = tokens.join(gone, name.equalTo(gone.col("name")), "left_semi").select("content_hash")
                .where(col("content_hash").isNotNull());
        for (String earlier : StoredConversations.forgotten(folder, before)) {
            hashes = hashes.union(spark.read().parquet(folder.path(earlier).toString()).select("content_hash"));
        }
        TokensTable.writeInto(hashes.coalesce(1), folder, forgotten, inputs, (marker, files) -> {});

        Generation mine = Generation.of(number, Generation.Operation.FORGET, chosen.size(),
                chosen.stream().map(Chosen::shard).distinct().sorted().toList(), whole,
                new StoreTables(List.of(table), quarantine, vocabulary, List.of(forgotten)));
        HiddenStateStore begun = before.begin(mine);
        if (!begun.changes().orElseThrow().equals(mine)) {
            throw new InvalidStoreException("Invalid store " + before.uri() + ": another run has begun generation " + number
                    + " (expected one that changes a store at a time; run again)");
        }
        return begun;
    }

    /** Nothing of the conversations is kept but a digest. */
    private static StoreSettings settings(StoreSettings before, List<Chosen> chosen, List<String> names) {
        Sha256 sha = new Sha256().add(before.fingerprints().inputs());
        names.forEach(name -> sha.add("\n" + name));
        PlannedCounts counts = before.planned();
        List<Chosen> trained = chosen.stream().filter(c -> c.part() == Part.TRAIN).toList();
        return before.with(sha.hex(), before.fingerprints().settings(), new PlannedCounts(counts.shards(),
                counts.conversations() - chosen.size(), counts.heldOut() - (chosen.size() - trained.size()),
                counts.tokens() - trained.stream().mapToLong(Chosen::tokens).sum()));
    }

    /** Counts again, table by table: positions order the conversations of one table only. */
    private TokenFrequencies frequencies(HiddenStateStore before, Dataset<Row> gone, Column name) throws IOException {
        int targetVocabSize = TokenFrequencies.read(before, conf()).counts().length;
        Folder folder = Folder.at(before.uri(), conf());
        TokenFrequencies all = null;
        for (String table : before.tables().tokens()) {
            Dataset<Row> rows = spark.read().schema(TokenizedRow.SCHEMA).parquet(folder.path(table).toString())
                    .where(col("part").equalTo(Part.TRAIN.text()));
            TokenFrequencies one =
                    TokenFrequencies.of(rows.join(gone, name.equalTo(gone.col("name")), "left_anti"), targetVocabSize);
            all = all == null ? one : all.then(one);
        }
        return all;
    }

    private static int draftVocabSize(Folder folder, HiddenStateStore before) throws IOException {
        return TokenFrequencies.draftVocabSize(folder, before.tables().vocabulary());
    }

    /** Takes their records, and their near duplicates, out of the quarantine. */
    private List<String> quarantine(HiddenStateStore before, List<Chosen> chosen, Folder folder, String name, String inputs)
            throws IOException {
        List<String> there = new ArrayList<>();
        for (String table : before.tables().quarantine()) {
            if (folder.exists(table)) {
                there.add(folder.path(table).toString());
            }
        }
        if (there.isEmpty()) {
            return List.of();
        }
        // An id that occurred twice has got a number, which records do not have.
        List<String> ids = chosen.stream().flatMap(c -> Stream.of(c.id(), c.id().replaceFirst("~[1-9][0-9]*$", "")))
                .distinct().toList();
        Dataset<Row> named = spark.createDataset(ids, Encoders.STRING()).toDF("gone");
        Dataset<Row> rows = spark.read().parquet(there.toArray(String[]::new));
        Dataset<Row> kept = rows
                .join(named, rows.col("id").equalTo(named.col("gone")), "left_anti")
                .join(named, rows.col("reason").equalTo(expr("concat('near duplicate of ', gone)")), "left_anti");
        TokensTable.writeInto(kept.coalesce(1), folder, name, inputs, (marker, files) -> {});
        return List.of(name);
    }

    private HiddenStateStore rewrite(HiddenStateStore begun) throws IOException {
        List<Integer> missing = begun.missingShards();
        if (!missing.isEmpty()) {
            Map<Integer, Set<String>> kept = new HashMap<>();
            missing.forEach(shard -> kept.put(shard, new HashSet<>()));
            TokensTable.planned(spark, begun).where(col("shard").isin(missing.toArray())).select("shard", "part", "id")
                    .collectAsList().forEach(row -> kept.get(row.getInt(0)).add(ShardRewrite.name(Part.of(row.getString(1)), row.getString(2))));
            List<Tuple2<Integer, Set<String>>> work =
                    kept.entrySet().stream().map(e -> new Tuple2<>(e.getKey(), e.getValue())).toList();
            JavaSparkContext context = JavaSparkContext.fromSparkContext(spark.sparkContext());
            SerializableConfiguration hadoop = new SerializableConfiguration(conf());
            String uri = begun.uri();
            int generation = begun.generation();
            RunningTasks.awaiting(spark.sparkContext(), "Rewriting " + missing.size() + " shards", () -> {
                context.parallelize(work, work.size())
                        .foreach(shard -> ShardRewrite.run(uri, hadoop.value(), generation, shard._1(), shard._2()));
                return null;
            });
        }
        HiddenStateStore made = HiddenStateStore.openPending(begun.uri(), conf()).orElse(null);
        // Another run may have completed it meanwhile.
        return made == null ? HiddenStateStore.open(begun.uri(), conf(), begun.generation()) : made.complete();
    }

    /** Returns the trainings that read a generation which held some of the conversations, for training. */
    private List<TrainingRecord> trainings(HiddenStateStore before, List<Chosen> chosen) throws IOException {
        int first = chosen.stream().filter(c -> c.part() == Part.TRAIN).mapToInt(c -> before.addedIn(c.shard())).min()
                .orElse(Integer.MAX_VALUE);
        return TrainingRecord.all(before.uri(), conf()).stream()
                .filter(training -> training.generation() >= first && training.generation() <= before.generation()).toList();
    }

    private Configuration conf() {
        return spark.sparkContext().hadoopConfiguration();
    }
}
