package dev.aerie.table;

import dev.aerie.store.HiddenStateStore;
import dev.aerie.store.InvalidStoreException;
import dev.aerie.store.Part;
import dev.aerie.store.StoreLayout;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Iterator;
import java.util.Map;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.AnalysisException;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/**
 * The input that each conversation came from. Markers do not say it, so that it costs nothing where it is not asked for: it is
 * read from three columns of the tokens table, by Spark, and joined to the markers in the driver.
 */
final class ConversationSources {

    private final String store;
    private final Map<Part, Map<String, String>> byId;

    private ConversationSources(String store, Map<Part, Map<String, String>> byId) {
        this.store = store;
        this.byId = byId;
    }

    static ConversationSources read(SparkSession spark, HiddenStateStore store, Map<String, String> hadoop) {
        Map<Part, Map<String, String>> byId = new EnumMap<>(Part.class);
        Map<String, String> distinct = new HashMap<>();
        try {
            String[] tables = store.tables().tokens().stream().map(table -> new Path(store.uri(), table).toString())
                    .toArray(String[]::new);
            Dataset<Row> rows = spark.read().options(hadoop).parquet(tables).select("part", "id", "source");
            for (Iterator<Row> all = rows.toLocalIterator(); all.hasNext();) {
                Row row = all.next();
                // Millions of conversations come from a few inputs.
                String source = distinct.computeIfAbsent(row.getString(2), s -> s);
                byId.computeIfAbsent(Part.of(row.getString(0)), part -> new HashMap<>()).put(row.getString(1), source);
            }
        } catch (Exception e) {
            // Spark's exceptions are checked ones that its methods do not declare.
            if (e instanceof AnalysisException) {
                throw new InvalidStoreException("Invalid store " + store.uri() + ": the column source cannot be read from "
                        + StoreLayout.TOKENS + " (expected the table that prepare writes there)", e);
            }
            throw e;
        }
        return new ConversationSources(store.uri(), byId);
    }

    /** @throws InvalidStoreException if the tokens table lacks the conversation */
    String of(Part part, String id) {
        String source = byId.getOrDefault(part, Map.of()).get(id);
        if (source == null) {
            throw new InvalidStoreException("Invalid store " + store + ": conversation " + id + " of part " + part.text() + " is not in "
                    + StoreLayout.TOKENS + " (expected the table that the shards were made from)");
        }
        return source;
    }
}
