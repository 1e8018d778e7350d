package dev.aerie.table;

import dev.aerie.store.HiddenStateStore;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.connector.expressions.aggregate.Aggregation;
import org.apache.spark.sql.connector.expressions.aggregate.CountStar;
import org.apache.spark.sql.connector.expressions.filter.Predicate;
import org.apache.spark.sql.connector.read.Scan;
import org.apache.spark.sql.connector.read.SupportsPushDownAggregates;
import org.apache.spark.sql.connector.read.SupportsPushDownRequiredColumns;
import org.apache.spark.sql.connector.read.SupportsPushDownV2Filters;
import org.apache.spark.sql.types.StructType;

/** Takes from a query the columns it needs, the conditions that markers decide, and {@code count(*)}. */
final class StoreScanBuilder implements SupportsPushDownV2Filters, SupportsPushDownAggregates, SupportsPushDownRequiredColumns {

    private final HiddenStateStore store;
    private final ReadOptions options;
    private final Configuration conf;
    private final List<Column> all;
    private final List<Predicate> pushed = new ArrayList<>();
    private final List<Condition> conditions = new ArrayList<>();
    private List<Column> columns;
    private boolean counting;

    StoreScanBuilder(HiddenStateStore store, ReadOptions options, Configuration conf, List<Column> columns) {
        this.store = store;
        this.options = options;
        this.conf = conf;
        this.all = columns;
        this.columns = columns;
    }

    @Override
    public Predicate[] pushPredicates(Predicate[] predicates) {
        List<Predicate> rest = new ArrayList<>();
        for (Predicate predicate : predicates) {
            Optional<Condition> condition = Condition.of(predicate, all);
            if (condition.isPresent()) {
                pushed.add(predicate);
                conditions.add(condition.get());
            } else {
                rest.add(predicate);
            }
        }
        return rest.toArray(Predicate[]::new);
    }

    @Override
    public Predicate[] pushedPredicates() {
        return pushed.toArray(Predicate[]::new);
    }

    /** Spark asks only if no condition is left to it. */
    @Override
    public boolean pushAggregation(Aggregation aggregation) {
        counting = aggregation.groupByExpressions().length == 0 && aggregation.aggregateExpressions().length == 1
                && aggregation.aggregateExpressions()[0] instanceof CountStar;
        return counting;
    }

    @Override
    public boolean supportCompletePushDown(Aggregation aggregation) {
        return aggregation.groupByExpressions().length == 0 && aggregation.aggregateExpressions().length == 1
                && aggregation.aggregateExpressions()[0] instanceof CountStar;
    }

    @Override
    public void pruneColumns(StructType required) {
        List<String> names = Arrays.asList(required.fieldNames());
        columns = names.stream()
                .map(name -> all.stream().filter(column -> column.name().equals(name)).findFirst().orElseThrow()).toList();
    }

    @Override
    public Scan build() {
        StoreSelection selection = new StoreSelection(store, options, List.copyOf(conditions));
        return counting ? new CountScan(selection, pushed) : new StoreScan(selection, conf, columns, pushed);
    }
}
