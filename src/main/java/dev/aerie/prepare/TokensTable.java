package dev.aerie.prepare;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.aerie.files.Folder;
import dev.aerie.spark.RunningTasks;
import dev.aerie.store.HiddenStateStore;
import dev.aerie.store.InvalidStoreException;
import dev.aerie.store.StoreLayout;
import java.io.IOException;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileAlreadyExistsException;
import org.apache.hadoop.fs.FileStatus;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads and writes the tables in a store's folder. Each has a marker with the fingerprint of its inputs, so that tables of two
 * runs are never mixed.
 */
public final class TokensTable {

    private static final Logger LOG = LoggerFactory.getLogger(TokensTable.class);
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Pattern PARTITION = Pattern.compile("part-(\\d+)");

    private TokensTable() {}

    /**
     * Returns the tokens of the newest generation of a store, with the columns of {@link TokenizedRow#SCHEMA}.
     *
     * @throws InvalidStoreException if they were made from other conversations than the store
     */
    public static Dataset<Row> read(SparkSession spark, String store) throws IOException {
        Configuration conf = spark.sparkContext().hadoopConfiguration();
        if (!HiddenStateStore.exists(store, conf)) {
            return read(spark, Folder.at(store, conf), StoreLayout.TOKENS);
        }
        return read(spark, HiddenStateStore.tables(store, conf).tokens(), store);
    }

    /** Returns the tokens of a generation of a store, likewise. */
    public static Dataset<Row> read(SparkSession spark, HiddenStateStore store) throws IOException {
        return read(spark, store.tables().tokens(), store.uri());
    }

    /** Returns the tokens of a generation of a store with shard and place, the columns of {@link PlannedTokens#SCHEMA}. */
    static Dataset<Row> planned(SparkSession spark, HiddenStateStore store) throws IOException {
        Folder folder = Folder.at(store.uri(), spark.sparkContext().hadoopConfiguration());
        String[] paths = store.tables().tokens().stream().map(name -> folder.path(name).toString()).toArray(String[]::new);
        return spark.read().schema(PlannedTokens.SCHEMA).parquet(paths);
    }

    private static Dataset<Row> read(SparkSession spark, List<String> names, String store) throws IOException {
        Folder folder = Folder.at(store, spark.sparkContext().hadoopConfiguration());
        Dataset<Row> all = null;
        for (String name : names) {
            Dataset<Row> table = read(spark, folder, name);
            all = all == null ? table : all.unionByName(table);
        }
        return all;
    }

    private static Dataset<Row> read(SparkSession spark, Folder folder, String name) throws IOException {
        if (!name.equals(StoreLayout.TOKENS)) {
            // Generations name the tables that they read, which were whole before.
            return spark.read().schema(TokenizedRow.SCHEMA).parquet(folder.path(name).toString());
        }
        Optional<byte[]> marker = folder.read(StoreLayout.TOKENS + "/" + StoreLayout.TABLE_MARKER);
        if (marker.isPresent()) {
            requireSameInputs(folder, JSON.readTree(marker.get()).path("inputs"), StoreLayout.TOKENS);
        }
        if (!folder.exists(StoreLayout.TOKENS)) {
            throw new InvalidStoreException("Invalid store " + folder + ": it has no " + StoreLayout.TOKENS
                    + " (expected a folder that prepare has finished; run prepare again)");
        }
        return spark.read().schema(TokenizedRow.SCHEMA).parquet(folder.path(StoreLayout.TOKENS).toString());
    }

    /**
     * Writes a table unless it exists. It is written elsewhere and moved into its place as a whole, because if two runs write
     * into one folder, Spark keeps the rows of both.
     *
     * @param inputs fingerprint of the conversations that it is made from
     */
    static void write(Dataset<Row> rows, Folder store, String name, String inputs) throws IOException {
        if (wholeMarker(store, name, inputs).isEmpty()) {
            write(rows, store, name, inputs, (marker, files) -> {});
        }
    }

    /** What the marker of a table says beside its inputs and files. */
    interface Description {

        /** @param files names of the table's files, in the order of its partitions */
        void add(ObjectNode marker, List<String> files);
    }

    /** Writes a table in the place of one of other inputs or without all its files, if there is one. */
    static void write(Dataset<Row> rows, Folder store, String name, String inputs, Description description) throws IOException {
        String aside = "_" + name + "-" + UUID.randomUUID();
        try {
            writeInto(rows, store, aside, inputs, description);
            if (wholeMarker(store, name, inputs).isEmpty()) {
                store.delete(name);
                store.moveFolder(aside, name);
            }
        } catch (FileAlreadyExistsException anotherRun) {
            LOG.info("{} was written by another run", store.path(name));
        } finally {
            store.delete(aside);
        }
    }

    /** Writes a table into a folder that nobody else writes into. */
    static void writeInto(Dataset<Row> rows, Folder store, String name, String inputs, Description description)
            throws IOException {
        RunningTasks.awaiting(rows.sparkSession().sparkContext(), "The table " + name, () -> {
            rows.write().parquet(store.path(name).toString());
            return null;
        });
        ObjectNode marker = JSON.createObjectNode().put("inputs", inputs);
        ObjectNode files = marker.putObject("files");
        for (FileStatus file : store.list(name)) {
            files.put(file.getPath().getName(), file.getLen());
        }
        description.add(marker, partitions(store.names(name)));
        store.write(name + "/" + StoreLayout.TABLE_MARKER, JSON.writeValueAsBytes(marker));
    }

    /** Returns Spark's files by the number in their names, which is that of the partition. */
    private static List<String> partitions(List<String> names) {
        return names.stream().filter(name -> PARTITION.matcher(name).lookingAt())
                .sorted(Comparator.comparing(TokensTable::partition)).toList();
    }

    /** Returns the number of the partition that Spark wrote into a file. */
    static int partition(String name) {
        Matcher number = PARTITION.matcher(name);
        return number.lookingAt() ? Integer.parseInt(number.group(1)) : -1;
    }

    /**
     * Returns the marker of a table if the table is complete: an object store moves a folder file by file, and a run may die in
     * between.
     */
    static Optional<JsonNode> wholeMarker(Folder store, String name, String inputs) throws IOException {
        Optional<byte[]> found = store.read(name + "/" + StoreLayout.TABLE_MARKER);
        if (found.isEmpty()) {
            return Optional.empty();
        }
        JsonNode marker = JSON.readTree(found.get());
        if (!marker.path("inputs").asText().equals(inputs)) {
            return Optional.empty();
        }
        Map<String, Long> lengths = new HashMap<>();
        for (FileStatus file : store.list(name)) {
            lengths.put(file.getPath().getName(), file.getLen());
        }
        for (Map.Entry<String, JsonNode> file : marker.path("files").properties()) {
            if (!Long.valueOf(file.getValue().asLong()).equals(lengths.get(file.getKey()))) {
                return Optional.empty();
            }
        }
        return Optional.of(marker);
    }

    /** @throws InvalidStoreException if a file says that it was made from other conversations than the store */
    static void requireSameInputs(Folder store, JsonNode inputs, String name) throws IOException {
        if (inputs.isTextual() && HiddenStateStore.exists(store.uri(), store.conf())) {
            String expected = HiddenStateStore.settings(store.uri(), store.conf()).fingerprints().inputs();
            if (!inputs.asText().equals(expected)) {
                throw new InvalidStoreException("Invalid store " + store.uri() + ": " + name + " was made from inputs "
                        + inputs.asText() + " (expected " + expected
                                + ", as fingerprints.inputs of the store; run prepare again)");
            }
        }
    }
}
