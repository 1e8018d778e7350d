package dev.aerie.prepare;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.aerie.files.Folder;
import dev.aerie.store.StoreLayout;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.apache.spark.Partitioner;
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
    static void write(SparkSession spark, JavaRDD<TokenizedRow> rows, ShardPlan plan, long teacherRows, Folder store, String inputs)
            throws IOException {
        if (find(store, inputs).isPresent()) {
            return;
        }
        if (TokensTable.wholeMarker(store, StoreLayout.TOKENS, inputs).isPresent()) {
            // In another order.
            store.delete(StoreLayout.TOKENS);
        }
        JavaSparkContext context = JavaSparkContext.fromSparkContext(spark.sparkContext());
        Broadcast<ShardPlan> shared = context.broadcast(plan);
        int files = Math.max(1, (plan.shards() + SHARDS_PER_FILE - 1) / SHARDS_PER_FILE);
        try {
            JavaRDD<Row> placed = rows
                    .mapToPair(row -> new Tuple2<>(key(shared.value().shardOf(row.position()),
                            shared.value().placeOf(row.position())), row))
                    .repartitionAndSortWithinPartitions(new ByFile(files))
                    .map(row -> row._2().toRow((int) (row._1() >> 32), row._1().intValue()));
            Dataset<Row> table = spark.createDataFrame(placed, SCHEMA);
            TokensTable.write(table, store, StoreLayout.TOKENS, inputs, (marker, names) -> {
                ObjectNode first = marker.putObject("first_shards");
                IntStream.range(0, names.size()).forEach(i -> first.put(names.get(i), i * SHARDS_PER_FILE));
                ObjectNode planned = marker.putObject("plan");
                planned.put("fingerprint", plan.fingerprint());
                planned.put("teacher_rows", teacherRows);
                planned.set("shard_tokens", JSON.valueToTree(plan.tokens()));
            });
        } finally {
            shared.unpersist();
        }
    }

    /** @return empty if the store has no such table of these inputs, or not all of its files */
    static Optional<PlannedTokens> find(Folder store, String inputs) throws IOException {
        Optional<JsonNode> marker = TokensTable.wholeMarker(store, StoreLayout.TOKENS, inputs);
        if (marker.isEmpty() || !marker.get().path("plan").isObject()) {
            return Optional.empty();
        }
        TreeMap<Integer, String> files = new TreeMap<>();
        for (Map.Entry<String, JsonNode> file : marker.get().path("first_shards").properties()) {
            files.put(file.getValue().asInt(), file.getKey());
        }
        JsonNode plan = marker.get().path("plan");
        return Optional.of(new PlannedTokens(new ShardTokens(store.uri(), files),
                JSON.convertValue(plan.path("shard_tokens"), long[].class), plan.path("teacher_rows").asLong(),
                plan.path("fingerprint").asText()));
    }

    private static long key(int shard, int place) {
        return (long) shard << 32 | place;
    }

    /** Sends a conversation to its shard's file; the lower half of its key sorts it there. */
    private static final class ByFile extends Partitioner {

        private final int files;

        ByFile(int files) {
            this.files = files;
        }

        @Override
        public int numPartitions() {
            return files;
        }

        @Override
        public int getPartition(Object key) {
            return (int) ((Long) key >> 32) / SHARDS_PER_FILE;
        }

        @Override
        public boolean equals(Object other) {
            return other instanceof ByFile b && b.files == files;
        }

        @Override
        public int hashCode() {
            return files;
        }
    }
}
