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
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
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

    private TokensTable() {}

    /**
     * Returns the tokens table of a store, with the columns of {@link TokenizedRow#SCHEMA}.
     *
     * @throws InvalidStoreException if it was made from other conversations than the store
     */
    public static Dataset<Row> read(SparkSession spark, String store) throws IOException {
        Folder folder = Folder.at(store, spark.sparkContext().hadoopConfiguration());
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
        if (isWhole(store, name, inputs)) {
            return;
        }
        String aside = "_" + name + "-" + UUID.randomUUID();
        try {
            RunningTasks.awaiting(rows.sparkSession().sparkContext(), "The table " + name, () -> {
                rows.write().parquet(store.path(aside).toString());
                return null;
            });
            ObjectNode marker = JSON.createObjectNode().put("inputs", inputs);
            ObjectNode files = marker.putObject("files");
            for (FileStatus file : store.list(aside)) {
                files.put(file.getPath().getName(), file.getLen());
            }
            store.write(aside + "/" + StoreLayout.TABLE_MARKER, JSON.writeValueAsBytes(marker));
            if (!isWhole(store, name, inputs)) {
                store.delete(name);
                store.moveFolder(aside, name);
            }
        } catch (FileAlreadyExistsException anotherRun) {
            LOG.info("{} was written by another run", store.path(name));
        } finally {
            store.delete(aside);
        }
    }

    /** Returns whether the table is complete: an object store moves a folder file by file, and a run may die in between. */
    private static boolean isWhole(Folder store, String name, String inputs) throws IOException {
        Optional<byte[]> found = store.read(name + "/" + StoreLayout.TABLE_MARKER);
        if (found.isEmpty()) {
            return false;
        }
        JsonNode marker = JSON.readTree(found.get());
        boolean whole = marker.path("inputs").asText().equals(inputs);
        for (Map.Entry<String, JsonNode> file : marker.path("files").properties()) {
            String path = name + "/" + file.getKey();
            whole = whole && store.exists(path) && store.status(path).getLen() == file.getValue().asLong();
        }
        return whole;
    }

    /** @throws InvalidStoreException if a file says that it was made from other conversations than the store */
    static void requireSameInputs(Folder store, JsonNode inputs, String name) throws IOException {
        if (inputs.isTextual() && HiddenStateStore.exists(store.uri(), store.conf())) {
            String expected = HiddenStateStore.openPartial(store.uri(), store.conf()).settings().fingerprints().inputs();
            if (!inputs.asText().equals(expected)) {
                throw new InvalidStoreException("Invalid store " + store.uri() + ": " + name + " was made from inputs "
                        + inputs.asText() + " (expected " + expected
                                + ", as fingerprints.inputs of the store; run prepare again)");
            }
        }
    }
}
