package dev.aerie.prepare;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.aerie.files.Folder;
import dev.aerie.files.Sha256;
import dev.aerie.store.HiddenStateStore;
import dev.aerie.store.InvalidStoreException;
import dev.aerie.store.StoreLayout;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.Partitioner;
import org.apache.spark.api.java.JavaPairRDD;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import scala.Tuple2;

/**
 * A store's tokens table in the order of its plan: a file holds the conversations of {@link #SHARDS_PER_FILE} neighbouring
 * shards, so that the task that makes a shard reads them from one file, and nothing is shuffled again. The table's marker
 * says which file that is, and what a run over the plan has to know.
 *
 * @param shards where the conversations of each shard are
 * @param shardTokens tokens expected in each shard
 * @param teacherRows states after the final norm expected
 * @param fingerprint of the plan
 */
record PlannedTokens(ShardTokens shards, long[] shardTokens, long teacherRows, String fingerprint) {

    /** The columns of {@link TokenizedRow#SCHEMA}, and the conversation's shard and its place there. */
    static final StructType SCHEMA = TokenizedRow.SCHEMA
            .add("shard", DataTypes.IntegerType, false)
            .add("place", DataTypes.IntegerType, false);

    /** Files of 4 million tokens at the usual size of shards. */
    static final int SHARDS_PER_FILE = 16;

    private static final ObjectMapper JSON = new ObjectMapper();

    /**
     * Writes the table unless it is there.
     *
     * @param rows the conversations of the plan
     * @param inputs their fingerprint
     */
    static void write(SparkSession spark, JavaRDD<TokenizedRow> rows, ShardPlan plan, long teacherRows, Folder store,
            String inputs) throws IOException {
        if (find(store, inputs).isPresent()) {
            return;
        }
        if (TokensTable.wholeMarker(store, StoreLayout.TOKENS, inputs).isPresent()) {
            // In another order.
            store.delete(StoreLayout.TOKENS);
        }
        JavaSparkContext context = JavaSparkContext.fromSparkContext(spark.sparkContext());
        Broadcast<ShardPlan> shared = context.broadcast(plan);
        try {
            Dataset<Row> table = table(spark, placed(rows, shared, 0), 0, plan.shards());
            TokensTable.write(table, store, StoreLayout.TOKENS, inputs,
                    (marker, names) -> describe(marker, names, 0, plan.fingerprint(), teacherRows, plan.tokens()));
        } finally {
            shared.unpersist();
        }
    }

    /**
     * Writes the table of an append, in a folder of its own.
     *
     * @param firstShard number of the plan's first shard in the store
     * @param name of the folder
     */
    static void append(SparkSession spark, JavaRDD<TokenizedRow> rows, ShardPlan plan, int firstShard, long teacherRows,
            Folder store, String name, String inputs) throws IOException {
        JavaSparkContext context = JavaSparkContext.fromSparkContext(spark.sparkContext());
        Broadcast<ShardPlan> shared = context.broadcast(plan);
        try {
            Dataset<Row> table = table(spark, placed(rows, shared, firstShard), firstShard, plan.shards());
            TokensTable.writeInto(table, store, name, inputs,
                    (marker, names) -> describe(marker, names, firstShard, plan.fingerprint(), teacherRows, plan.tokens()));
        } finally {
            shared.unpersist();
        }
    }

    /**
     * Writes the tables of a generation again as one, without some conversations.
     *
     * @param all of the store's tables, with the columns of {@link #SCHEMA}, those conversations left out
     * @param old what the tables said
     */
    static void rewrite(SparkSession spark, Dataset<Row> all, PlannedTokens old, Folder store, String name, String inputs)
            throws IOException {
        JavaPairRDD<Long, TokenizedRow> placed = all.javaRDD().mapToPair(row -> new Tuple2<>(
                key(row.getInt(row.fieldIndex("shard")), row.getInt(row.fieldIndex("place"))), TokenizedRow.of(row)));
        TokensTable.writeInto(table(spark, placed, 0, old.shardTokens().length), store, name, inputs,
                (marker, names) -> describe(marker, names, 0, old.fingerprint(), old.teacherRows(), old.shardTokens()));
    }

    private static JavaPairRDD<Long, TokenizedRow> placed(JavaRDD<TokenizedRow> rows, Broadcast<ShardPlan> plan, int firstShard) {
        return rows.mapToPair(row -> new Tuple2<>(key(firstShard + plan.value().shardOf(row.position()),
                plan.value().placeOf(row.position())), row));
    }

    private static Dataset<Row> table(SparkSession spark, JavaPairRDD<Long, TokenizedRow> placed, int firstShard, int shards) {
        int files = Math.max(1, (shards + SHARDS_PER_FILE - 1) / SHARDS_PER_FILE);
        JavaRDD<Row> rows = placed.repartitionAndSortWithinPartitions(new ByFile(firstShard, files)).mapPartitions(InOrder::new);
        return spark.createDataFrame(rows, SCHEMA);
    }

    /** Numbers the places of each shard anew: where conversations were left out, there are gaps. */
    private static final class InOrder implements Iterator<Row> {

        private final Iterator<Tuple2<Long, TokenizedRow>> rows;
        private int shard = -1;
        private int place;

        InOrder(Iterator<Tuple2<Long, TokenizedRow>> rows) {
            this.rows = rows;
        }

        @Override
        public boolean hasNext() {
            return rows.hasNext();
        }

        @Override
        public Row next() {
            Tuple2<Long, TokenizedRow> row = rows.next();
            int of = (int) (row._1() >> 32);
            place = of == shard ? place + 1 : 0;
            shard = of;
            return row._2().toRow(shard, place);
        }
    }

    static void describe(
            ObjectNode marker, List<String> names, int firstShard, String fingerprint, long teacherRows, long[] shardTokens) {
        ObjectNode first = marker.putObject("first_shards");
        // Spark writes no file of an empty partition.
        names.forEach(name -> first.put(name, firstShard + TokensTable.partition(name) * SHARDS_PER_FILE));
        ObjectNode planned = marker.putObject("plan");
        planned.put("fingerprint", fingerprint);
        planned.put("teacher_rows", teacherRows);
        planned.set("shard_tokens", JSON.valueToTree(shardTokens));
    }

    /** @return empty if the store has no such table of these inputs, or not all of its files */
    static Optional<PlannedTokens> find(Folder store, String inputs) throws IOException {
        return TokensTable.wholeMarker(store, StoreLayout.TOKENS, inputs).filter(marker -> marker.path("plan").isObject())
                .map(marker -> of(store, StoreLayout.TOKENS, marker));
    }

    /**
     * Returns the tokens of a generation, of one table or several.
     *
     * @throws InvalidStoreException if a table is not one in the order of a plan
     */
    static PlannedTokens of(HiddenStateStore store, Configuration conf) throws IOException {
        Folder folder = Folder.at(store.uri(), conf);
        TreeMap<Integer, String> files = new TreeMap<>();
        List<Long> shardTokens = new ArrayList<>();
        long teacherRows = 0;
        String fingerprint = "";
        for (String name : store.tables().tokens()) {
            JsonNode marker = JSON.readTree(folder.read(name + "/" + StoreLayout.TABLE_MARKER).orElse(new byte[] {'{', '}'}));
            if (!marker.path("plan").isObject()) {
                throw new InvalidStoreException("Invalid store " + folder + ": its " + name
                        + " is damaged or in another order (expected that of its plan)");
            }
            PlannedTokens one = of(folder, name, marker);
            files.putAll(one.shards().files());
            Arrays.stream(one.shardTokens()).forEach(shardTokens::add);
            teacherRows += one.teacherRows();
            fingerprint = fingerprint.isEmpty() ? one.fingerprint() : Sha256.of(fingerprint + one.fingerprint());
        }
        return new PlannedTokens(new ShardTokens(folder.uri(), files), shardTokens.stream().mapToLong(Long::longValue).toArray(),
                teacherRows, fingerprint);
    }

    private static PlannedTokens of(Folder store, String name, JsonNode marker) {
        TreeMap<Integer, String> files = new TreeMap<>();
        for (Map.Entry<String, JsonNode> file : marker.path("first_shards").properties()) {
            files.put(file.getValue().asInt(), name + "/" + file.getKey());
        }
        JsonNode plan = marker.path("plan");
        return new PlannedTokens(new ShardTokens(store.uri(), files), JSON.convertValue(plan.path("shard_tokens"), long[].class),
                plan.path("teacher_rows").asLong(), plan.path("fingerprint").asText());
    }

    private static long key(int shard, int place) {
        return (long) shard << 32 | place;
    }

    /** Sends a conversation to its shard's file; the lower half of its key sorts it there. */
    private static final class ByFile extends Partitioner {

        private final int firstShard;
        private final int files;

        ByFile(int firstShard, int files) {
            this.firstShard = firstShard;
            this.files = files;
        }

        @Override
        public int numPartitions() {
            return files;
        }

        @Override
        public int getPartition(Object key) {
            return ((int) ((Long) key >> 32) - firstShard) / SHARDS_PER_FILE;
        }

        @Override
        public boolean equals(Object other) {
            return other instanceof ByFile b && b.firstShard == firstShard && b.files == files;
        }

        @Override
        public int hashCode() {
            return 31 * firstShard + files;
        }
    }
}
