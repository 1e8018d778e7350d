package dev.aerie.clean;

import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.storage.StorageLevel;

/**
 * Intermediate tables, computed once and kept on the executors until this is closed. What is made from a kept table has it as a
 * leaf, so that plans do not grow from round to round; unlike those of a local checkpoint, the rows of an executor that dies are
 * computed again, and Spark RAPIDS reads them.
 */
final class KeptTables implements AutoCloseable {

    private final List<Dataset<Row>> kept = new ArrayList<>();

    Dataset<Row> keep(Dataset<Row> table) {
        table.persist(StorageLevel.MEMORY_AND_DISK());
        kept.add(table);
        table.count();
        var made = (org.apache.spark.sql.classic.Dataset<Row>) table;
        return org.apache.spark.sql.classic.Dataset.ofRows(made.sparkSession(), made.queryExecution().withCachedData());
    }

    @Override
    public void close() {
        for (int i = kept.size() - 1; i >= 0; i--) {
            kept.get(i).unpersist();
        }
    }
}
