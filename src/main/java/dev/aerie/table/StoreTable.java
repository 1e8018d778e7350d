package dev.aerie.table;

import dev.aerie.store.HiddenStateStore;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Set;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.connector.catalog.SupportsRead;
import org.apache.spark.sql.connector.catalog.TableCapability;
import org.apache.spark.sql.connector.read.ScanBuilder;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.util.CaseInsensitiveStringMap;

/** A store as it was when the table was loaded: its shards are those committed then. */
final class StoreTable implements SupportsRead {

    private final HiddenStateStore store;
    private final ReadOptions options;
    private final Configuration conf;
    private final List<Column> columns;

    private StoreTable(HiddenStateStore store, ReadOptions options, Configuration conf) {
        this.store = store;
        this.options = options;
        this.conf = conf;
        this.columns = Column.of(store.settings().states(), options.rows());
    }

    /** @throws dev.aerie.errors.RefusalException if there is no store, or it is incomplete and that was not asked for */
    static StoreTable open(ReadOptions options) {
        Configuration conf = options.hadoopConf(SparkSession.active());
        try {
            return new StoreTable(store(options, conf), options, conf);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static HiddenStateStore store(ReadOptions options, Configuration conf) throws IOException {
        if (options.generation().isPresent()) {
            return HiddenStateStore.open(options.store(), conf, options.generation().getAsInt());
        }
        return options.incomplete()
                ? HiddenStateStore.openPartial(options.store(), conf)
                : HiddenStateStore.open(options.store(), conf);
    }

    @Override
    public String name() {
        return "aerie " + store.uri();
    }

    @Override
    @SuppressWarnings("deprecation") // columns() would need Spark's own builder of columns.
    public StructType schema() {
        return Column.schema(columns);
    }

    @Override
    public Set<TableCapability> capabilities() {
        return Set.of(TableCapability.BATCH_READ);
    }

    @Override
    public ScanBuilder newScanBuilder(CaseInsensitiveStringMap ignored) {
        return new StoreScanBuilder(store, options, conf, columns);
    }
}
