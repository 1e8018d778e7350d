package dev.aerie.table;

import dev.aerie.store.HiddenStateStore;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.OptionalLong;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.connector.expressions.filter.Predicate;
import org.apache.spark.sql.connector.read.Batch;
import org.apache.spark.sql.connector.read.InputPartition;
import org.apache.spark.sql.connector.read.PartitionReaderFactory;
import org.apache.spark.sql.connector.read.Scan;
import org.apache.spark.sql.connector.read.Statistics;
import org.apache.spark.sql.connector.read.SupportsReportStatistics;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.util.SerializableConfiguration;

/** A read of some columns of some conversations. */
final class StoreScan implements Scan, Batch, SupportsReportStatistics {

    /** Rows that one task makes from markers alone: 100 ms of work. */
    private static final long MARKER_ROWS = 200_000;

    private final StoreSelection selection;
    private final Configuration conf;
    private final List<Column> columns;
    private final List<Predicate> pushed;

    StoreScan(StoreSelection selection, Configuration conf, List<Column> columns, List<Predicate> pushed) {
        this.selection = selection;
        this.conf = conf;
        this.columns = columns;
        this.pushed = List.copyOf(pushed);
    }

    @Override
    public StructType readSchema() {
        return Column.schema(columns);
    }

    @Override
    public String description() {
        return "aerie " + selection.store().uri() + " " + columns.stream().map(Column::name).toList() + ", "
                + (opensShards() ? "shards" : "markers alone") + ", conditions " + pushed;
    }

    private boolean opensShards() {
        return columns.stream().anyMatch(column -> column.content().isOfShard());
    }

    private boolean needsSource() {
        return columns.stream().anyMatch(column -> column.content() == Content.SOURCE);
    }

    @Override
    public Batch toBatch() {
        return this;
    }

    /** Else Spark would plan the partitions, and read sources, to explain a query. */
    @Override
    public ColumnarSupportMode columnarSupportMode() {
        return ColumnarSupportMode.UNSUPPORTED;
    }

    @Override
    public InputPartition[] planInputPartitions() {
        List<InputPartition> partitions = new ArrayList<>();
        if (opensShards()) {
            selection.forEachShard(needsSource(), found -> partitions.add(new StorePartition(List.of(
                    new ShardSlice(selection.store().reference(found.shard()), found.conversations(), found.whole())))));
            return partitions.toArray(InputPartition[]::new);
        }
        List<ShardSlice> slices = new ArrayList<>();
        long[] rows = new long[1];
        selection.forEachShard(needsSource(), found -> {
            slices.add(new ShardSlice(null, found.conversations(), found.whole()));
            rows[0] += found.conversations().stream().mapToLong(selection::rows).sum();
            if (rows[0] >= MARKER_ROWS) {
                partitions.add(new StorePartition(List.copyOf(slices)));
                slices.clear();
                rows[0] = 0;
            }
        });
        if (!slices.isEmpty()) {
            partitions.add(new StorePartition(List.copyOf(slices)));
        }
        return partitions.toArray(InputPartition[]::new);
    }

    @Override
    public PartitionReaderFactory createReaderFactory() {
        return new StoreReaderFactory(
                JavaSparkContext.fromSparkContext(SparkSession.active().sparkContext())
                        .broadcast(new SerializableConfiguration(conf)),
                selection.options().rows(), columns);
    }

    /** Counts by the conditions that need no reading; Spark decides by it which side of a join to send to all executors. */
    @Override
    public Statistics estimateStatistics() {
        List<Condition> known = selection.conditions().stream().filter(condition -> !condition.needsSource()).toList();
        StoreSelection estimated = new StoreSelection(selection.store(), selection.options(), known);
        long[] conversations = new long[1];
        long[] tokens = new long[1];
        estimated.forEachShard(false, found -> {
            conversations[0] += found.conversations().size();
            tokens[0] += found.conversations().stream().mapToLong(c -> c.entry().tokens()).sum();
        });
        HiddenStateStore store = selection.store();
        long states = columns.stream().filter(column -> column.content().isState()).count();
        long tokenBytes = states * store.settings().states().hiddenSize() * Float.BYTES + Integer.BYTES * (long) columns.size();
        long rows = selection.options().rows() == RowKind.TOKENS ? tokens[0] : conversations[0];
        long bytes = opensShards() ? tokens[0] * tokenBytes : 0;
        return new Estimate(rows, bytes + rows * 32L * Math.max(1, columns.size()));
    }

    private record Estimate(long rows, long bytes) implements Statistics {

        @Override
        public OptionalLong sizeInBytes() {
            return OptionalLong.of(bytes);
        }

        @Override
        public OptionalLong numRows() {
            return OptionalLong.of(rows);
        }
    }

    // Spark reads once where two parts of a query have equal scans.

    @Override
    public boolean equals(Object o) {
        return o instanceof StoreScan other && selection.store() == other.selection.store()
                && selection.options().equals(other.selection.options()) && columns.equals(other.columns) && pushed.equals(other.pushed);
    }

    @Override
    public int hashCode() {
        return Objects.hash(selection.options(), columns, pushed);
    }
}
