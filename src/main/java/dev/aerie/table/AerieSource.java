package dev.aerie.table;

import dev.aerie.store.HiddenStateStore;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Map;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.connector.catalog.Table;
import org.apache.spark.sql.connector.catalog.TableProvider;
import org.apache.spark.sql.connector.expressions.Transform;
import org.apache.spark.sql.sources.DataSourceRegister;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.util.CaseInsensitiveStringMap;

/** The format {@code aerie} of Spark's readers; Spark finds it by the ServiceLoader. */
public final class AerieSource implements TableProvider, DataSourceRegister {

    @Override
    public String shortName() {
        return "aerie";
    }

    @Override
    public StructType inferSchema(CaseInsensitiveStringMap map) {
        ReadOptions options = ReadOptions.of(map);
        try {
            return Column.schema(Column.of(HiddenStateStore.settings(options.store(),
                    options.hadoopConf(SparkSession.active())).states(), options.rows()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public Table getTable(StructType schema, Transform[] partitioning, Map<String, String> properties) {
        return StoreTable.open(ReadOptions.of(new CaseInsensitiveStringMap(properties)));
    }
}
