package dev.aerie.prepare;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.collect_set;
import static org.apache.spark.sql.functions.concat;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.regexp_extract;
import static org.apache.spark.sql.functions.row_number;
import static org.apache.spark.sql.functions.sort_array;
import static org.apache.spark.sql.functions.udf;
import static org.apache.spark.sql.functions.when;

import java.util.List;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.api.java.UDF2;
import org.apache.spark.sql.expressions.UserDefinedFunction;
import org.apache.spark.sql.expressions.Window;
import org.apache.spark.sql.types.DataTypes;
import scala.jdk.javaapi.CollectionConverters;

/**
 * Makes ids unique, because the store finds a conversation by its id. The first of an id keeps it. The others are called id~n,
 * with the numbers from 2 on that no record of the inputs has taken: of {@code a}, {@code a}, {@code a~2} the second becomes
 * {@code a~3}. So a name is new among the inputs' ids, and two new names differ in the id or in the number after their last
 * tilde.
 */
final class DistinctIds {

    /** A number in the form that is appended here; other forms, such as 02, cannot collide. */
    private static final String NUMBERED = "(?s)^(.*)~([1-9][0-9]{0,17})$";

    private static final UserDefinedFunction FREE =
            udf((UDF2<Integer, scala.collection.Seq<Long>, Long>) DistinctIds::free, DataTypes.LongType);

    private DistinctIds() {}

    /** @param conversations with the columns id and position, which no other has */
    static Dataset<Row> of(Dataset<Row> conversations) {
        Dataset<Row> placed = conversations.withColumn(
                "place", row_number().over(Window.partitionBy("id").orderBy("position")));
        Dataset<Row> taken = conversations
                .select(regexp_extract(col("id"), NUMBERED, 1).as("of"), regexp_extract(col("id"), NUMBERED, 2).as("number"))
                .where(col("number").notEqual(""))
                .groupBy("of").agg(sort_array(collect_set(col("number").cast(DataTypes.LongType))).as("taken"));
        return placed.join(taken, col("place").gt(1).and(col("id").equalTo(col("of"))), "left")
                .withColumn("id", when(col("place").equalTo(1), col("id"))
                        .otherwise(concat(col("id"), lit("~"), FREE.apply(col("place"), col("taken")))))
                .drop("place", "of", "taken");
    }

    private static Long free(Integer place, scala.collection.Seq<Long> taken) {
        return free(place, taken == null ? List.of() : CollectionConverters.asJava(taken));
    }

    /**
     * @param place from 2
     * @param taken ascending
     * @return the place-th number, counted from 2 as the second, that is not taken
     */
    static long free(int place, List<Long> taken) {
        long number = place;
        for (long one : taken) {
            if (one > number) {
                break;
            }
            number += one >= 2 ? 1 : 0;
        }
        return number;
    }
}
