package dev.aerie.clean;

import static org.apache.spark.sql.functions.coalesce;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.concat;
import static org.apache.spark.sql.functions.expr;
import static org.apache.spark.sql.functions.length;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.when;

import dev.aerie.errors.RefusalException;
import java.util.List;
import org.apache.spark.sql.AnalysisException;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.catalyst.plans.logical.Filter;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;

/**
 * Finds the conversations to remove, each with the reason: first by their own length and the user's condition, then near
 * duplicates. What it returns is made from tables that it keeps until it is closed.
 */
public final class Cleaning implements AutoCloseable {

    private final CleaningSettings settings;
    private final KeptTables kept = new KeptTables();

    /** @throws RefusalException if Spark cannot parse the condition, or it names other columns or is no condition */
    public Cleaning(SparkSession spark, CleaningSettings settings) {
        this.settings = settings;
        if (settings.where() != null) {
            require(spark, settings.where());
        }
    }

    private static void require(SparkSession spark, String where) {
        String expected = "a condition in Spark SQL over id, source, turns, characters and text";
        try {
            Dataset<Row> some = measured(spark.createDataFrame(List.of(), Documents.SCHEMA)).where(expr(where));
            LogicalPlan plan = ((org.apache.spark.sql.classic.Dataset<Row>) some).queryExecution().analyzed();
            if (plan instanceof Filter filter && !filter.condition().deterministic()) {
                throw new RefusalException("Invalid data.where: " + where + " (expected " + expected
                        + " that gives the same answer every time)");
            }
        } catch (Exception e) {
            // Spark's methods do not declare this checked exception.
            if (e instanceof AnalysisException) {
                throw new RefusalException("Invalid data.where: " + where + " (expected " + expected + "; Spark says: "
                        + SparkWords.of(e) + ")", e);
            }
            throw e;
        }
    }

    /** @return position and reason of the documents whose length or condition removes them */
    public Dataset<Row> filtered(Dataset<Row> documents) {
        return judged(documents).where(col("reason").isNotNull()).select("position", "reason");
    }

    /** @return position and reason of the near duplicates among the others; several jobs */
    public Dataset<Row> nearDuplicates(Dataset<Row> documents) {
        Dataset<Row> left = judged(documents).where(col("reason").isNull()).drop("reason");
        return new NearDuplicates(settings.threshold(), settings.keep()).of(left, kept);
    }

    /** @return position and reason of every document to remove */
    public Dataset<Row> removed(Dataset<Row> documents) {
        Dataset<Row> filtered = filtered(documents);
        return settings.threshold() == 0 ? filtered : filtered.union(nearDuplicates(documents));
    }

    @Override
    public void close() {
        kept.close();
    }

    private static Dataset<Row> measured(Dataset<Row> documents) {
        return documents.withColumn("characters", length(col("text")));
    }

    private Dataset<Row> judged(Dataset<Row> documents) {
        Column reason = lit(null).cast("string");
        if (settings.where() != null) {
            reason = when(coalesce(expr(settings.where()), lit(false)).equalTo(false),
                    lit("data.where: not true is " + settings.where())).otherwise(reason);
        }
        // Rendered text has no turns to count.
        Column turns = col("turns");
        reason = bounded(turns, turns.gt(0), settings.turns(), "turns", reason);
        reason = bounded(col("characters"), lit(true), settings.characters(), "characters", reason);
        return measured(documents).withColumn("reason", reason);
    }

    private static Column bounded(Column value, Column applies, CleaningSettings.Bounds bounds, String unit, Column otherwise) {
        Column reason = otherwise;
        if (bounds.most() > 0) {
            reason = when(applies.and(value.gt(bounds.most())), concat(lit("cleaned, too long: "), value.cast("string"),
                    lit(" " + unit + " (expected at most " + bounds.most() + ")"))).otherwise(reason);
        }
        if (bounds.least() > 0) {
            reason = when(applies.and(value.lt(bounds.least())), concat(lit("cleaned, too short: "), value.cast("string"),
                    lit(" " + unit + " (expected at least " + bounds.least() + ")"))).otherwise(reason);
        }
        return reason;
    }
}
