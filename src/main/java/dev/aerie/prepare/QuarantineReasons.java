package dev.aerie.prepare;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.count;
import static org.apache.spark.sql.functions.desc;
import static org.apache.spark.sql.functions.first;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.regexp_replace;
import static org.apache.spark.sql.functions.row_number;
import static org.apache.spark.sql.functions.substring_index;
import static org.apache.spark.sql.functions.sum;
import static org.apache.spark.sql.functions.when;

import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Collectors;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.expressions.Window;

/**
 * Counts the reasons of quarantined records. Reasons are kept whole, because the explanation follows the colon; only if a kind
 * has many different reasons, the rarer ones are counted together.
 */
final class QuarantineReasons {

    /** Number of reasons shown of one kind, which is the part before the colon. */
    private static final int TOLD = 5;

    private QuarantineReasons() {}

    /** @param reasons one column of text */
    static Map<String, Long> of(Dataset<Row> reasons) {
        Dataset<Row> whole = reasons.select(regexp_replace(col("reason"), "\\d+", "n").as("reason"))
                .withColumn("kind", substring_index(col("reason"), ":", 1))
                .groupBy("kind", "reason").agg(count(lit(1)).as("n"))
                .withColumn("place", row_number().over(Window.partitionBy("kind").orderBy(desc("n"), col("reason"))));
        return whole.withColumn("told", when(col("place").leq(TOLD), col("place")).otherwise(TOLD + 1))
                .groupBy("kind", "told").agg(sum("n").as("n"), first("reason").as("reason"), count(lit(1)).as("different"))
                .collectAsList().stream()
                .collect(Collectors.toMap(QuarantineReasons::text, row -> row.<Long>getAs("n"), Long::sum)).entrySet().stream()
                .sorted(Map.Entry.<String, Long>comparingByValue(Comparator.reverseOrder())
                        .thenComparing(Map.Entry.comparingByKey()))
                .collect(Collectors.toMap(Map.Entry::getKey, Map.Entry::getValue, Long::sum, LinkedHashMap::new));
    }

    private static String text(Row row) {
        return row.<Long>getAs("different") == 1 ? row.getAs("reason") : row.getAs("kind") + ": other reasons";
    }
}
