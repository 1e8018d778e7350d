package dev.aerie.prepare;

import static org.apache.spark.sql.functions.col;

import dev.aerie.store.HiddenStateStore;
import dev.aerie.store.InvalidStoreException;
import dev.aerie.store.StoreLayout;
import dev.aerie.files.Folder;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/**
 * The conversations that a store has, and those that it has forgotten, for an append.
 *
 * @param ids the column id of those that it has
 * @param hashes the column content_hash of both, each once
 */
public record StoredConversations(Dataset<Row> ids, Dataset<Row> hashes) {

    /** @throws InvalidStoreException if the store's tokens do not say what was said */
    public static StoredConversations of(SparkSession spark, HiddenStateStore store) throws IOException {
        Dataset<Row> tokens = TokensTable.read(spark, store);
        if (!tokens.where(col("content_hash").isNull()).isEmpty()) {
            throw new InvalidStoreException("Invalid store " + store.uri() + ": its " + StoreLayout.TOKENS
                    + " has no content_hash (expected one of every conversation; prepare makes the store again)");
        }
        Dataset<Row> hashes = tokens.select("content_hash");
        Folder folder = Folder.at(store.uri(), spark.sparkContext().hadoopConfiguration());
        for (String table : forgotten(folder, store)) {
            hashes = hashes.union(spark.read().parquet(folder.path(table).toString()).select("content_hash"));
        }
        return new StoredConversations(tokens.select("id").distinct(), hashes.distinct());
    }

    /** Returns the tables of the hashes of what was forgotten. */
    static List<String> forgotten(Folder folder, HiddenStateStore store) throws IOException {
        List<String> tables = new ArrayList<>(store.tables().forgotten());
        if (tables.isEmpty() && folder.exists(StoreLayout.FORGOTTEN)) {
            tables.add(StoreLayout.FORGOTTEN);
        }
        return tables;
    }

    /** Returns the records, with the column content_hash, that are none of these. */
    Dataset<Row> without(Dataset<Row> records) {
        return records.join(hashes, new String[] {"content_hash"}, "left_anti");
    }

    /** Returns the records that are some of these. */
    Dataset<Row> of(Dataset<Row> records) {
        return records.join(hashes, new String[] {"content_hash"}, "left_semi");
    }
}
