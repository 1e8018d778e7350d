package dev.aerie.prepare;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.collect_set;
import static org.apache.spark.sql.functions.concat;
import static org.apache.spark.sql.functions.filter;
import static org.apache.spark.sql.functions.length;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.not;
import static org.apache.spark.sql.functions.row_number;
import static org.apache.spark.sql.functions.size;
import static org.apache.spark.sql.functions.sort_array;
import static org.apache.spark.sql.functions.substring;
import static org.apache.spark.sql.functions.substring_index;
import static org.apache.spark.sql.functions.translate;
import static org.apache.spark.sql.functions.when;

import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.expressions.Window;
import org.apache.spark.sql.types.DataTypes;

/**
 * Makes ids unique, because the store finds a conversation by its id. The first of an id keeps it. The others are called id~n,
 * with the numbers from 2 on that no record of the inputs has taken: of {@code a}, {@code a}, {@code a~2} the second becomes
 * {@code a~3}. So a name is new among the inputs' ids, and two new names differ in the id or in the number after their last
 * tilde.
 *
 * <p>Written in functions that Spark RAPIDS has too, which are not all: no regular expressions with a group before the last tilde.
 */
final class DistinctIds {

    private DistinctIds() {}

    /** @param conversations with the columns id and position, which no other has */
    static Dataset<Row> of(Dataset<Row> conversations) {
        return placedAmong(conversations.withColumn("place", row_number().over(Window.partitionBy("id").orderBy("position"))),
                conversations.select("id"));
    }

    /**
     * As {@link #of(Dataset)}, beside others that keep their ids.
     *
     * @param others the column id, each once
     */
    static Dataset<Row> of(Dataset<Row> conversations, Dataset<Row> others) {
        Dataset<Row> first = others.withColumnRenamed("id", "kept_id");
        Dataset<Row> placed = conversations
                .withColumn("place", row_number().over(Window.partitionBy("id").orderBy("position")))
                .join(first, col("id").equalTo(col("kept_id")), "left")
                .withColumn("place", when(col("kept_id").isNull(), col("place")).otherwise(col("place").plus(1)))
                .drop("kept_id");
        return placedAmong(placed, conversations.select("id").union(others.select("id")));
    }

    private static Dataset<Row> placedAmong(Dataset<Row> placed, Dataset<Row> ids) {
        Column before = col("id").substr(lit(1), length(col("id")).minus(length(col("number"))).minus(1));
        Dataset<Row> taken = ids
                .select(col("id"), substring_index(col("id"), "~", -1).as("number"))
                .where(numbered())
                .groupBy(before.as("of")).agg(sort_array(collect_set(col("number").cast(DataTypes.LongType))).as("taken"));
        return placed.join(taken, col("place").gt(1).and(col("id").equalTo(col("of"))), "left")
                .withColumn("id", when(col("place").equalTo(1), col("id"))
                        .otherwise(concat(col("id"), lit("~"), free().cast(DataTypes.StringType))))
                .drop("place", "of", "taken");
    }

    /** Whether an id ends with a tilde and a number in the form that is appended here; other forms, such as 02, cannot collide. */
    private static Column numbered() {
        Column number = col("number");
        return length(number).between(1, 18).and(length(number).lt(length(col("id"))))
                .and(translate(number, "0123456789", "").equalTo(""))
                .and(not(substring(number, 1, 1).equalTo("0")));
    }

    /**
     * The place-th number, counted from 2 as the second, that is not taken. Below taken number t, the i-th from 0 of those from 2
     * on in ascending order, t - 2 - i numbers are free: of those taken, as many are passed as have fewer than place - 1 below.
     */
    private static Column free() {
        Column passed = size(filter(filter(col("taken"), t -> t.geq(2)), (t, i) -> t.minus(i).minus(2).lt(col("place").minus(1))));
        return col("place").plus(when(col("taken").isNull(), lit(0)).otherwise(passed));
    }
}
