package dev.aerie.clean;

import static org.apache.spark.sql.functions.array;
import static org.apache.spark.sql.functions.array_intersect;
import static org.apache.spark.sql.functions.array_join;
import static org.apache.spark.sql.functions.array_min;
import static org.apache.spark.sql.functions.coalesce;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.concat;
import static org.apache.spark.sql.functions.explode;
import static org.apache.spark.sql.functions.greatest;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.lower;
import static org.apache.spark.sql.functions.min;
import static org.apache.spark.sql.functions.regexp_replace;
import static org.apache.spark.sql.functions.sequence;
import static org.apache.spark.sql.functions.size;
import static org.apache.spark.sql.functions.slice;
import static org.apache.spark.sql.functions.split;
import static org.apache.spark.sql.functions.struct;
import static org.apache.spark.sql.functions.transform;
import static org.apache.spark.sql.functions.trim;
import static org.apache.spark.sql.functions.xxhash64;

import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;

/**
 * Finds near duplicates: MinHash of the words' shingles, banded so that similar documents meet in a group, and in each group the
 * exact Jaccard similarity with the document of it that would stay.
 *
 * <p>A document is compared with the best of each of its groups, not with all others: two similar documents
 * both stay if the best of every group that they share is similar to neither.
 */
final class NearDuplicates {

    /** Words of a shingle; a shorter text is one shingle. */
    private static final int SHINGLE = 5;

    private static final int HASHES = 64;

    /** Share of the pairs at the threshold that are to meet in a group. */
    private static final double RECALL = 0.99;

    /** Chains of up to 2 to this power documents are followed to the one that stays. */
    private static final int ROUNDS = 8;

    private final double threshold;
    private final Keep keep;

    NearDuplicates(double threshold, Keep keep) {
        this.threshold = threshold;
        this.keep = keep;
    }

    /** Returns the most hashes of a band with which pairs at the threshold still meet. */
    static int rows(double threshold) {
        int rows = 1;
        while (rows < 16 && 1 - Math.pow(1 - Math.pow(threshold, rows + 1), HASHES / (rows + 1)) >= RECALL) {
            rows++;
        }
        return rows;
    }

    /** @return position and reason of those that do not stay, made from tables that are kept */
    Dataset<Row> of(Dataset<Row> documents, KeptTables kept) {
        // Read three times: by the groups, and by both sides of the comparison.
        Dataset<Row> stays = stays(edges(kept.keep(signed(documents))), kept);
        Dataset<Row> names = documents.select(col("position").as("stays_position"), col("id").as("stays_id"));
        return stays.join(names, col("stays").getField("position").equalTo(col("stays_position")))
                .select(col("position"), concat(lit("near duplicate of "), col("stays_id")).as("reason"));
    }

    /** Position, place in the order of what stays, and distinct shingles of each document. */
    Dataset<Row> signed(Dataset<Row> documents) {
        Column words = split(trim(regexp_replace(lower(col("text")), "\\s+", " ")), " ");
        Column shingles = transform(sequence(lit(1), greatest(size(col("words")).minus(SHINGLE - 1), lit(1))),
                start -> xxhash64(array_join(slice(col("words"), start, lit(SHINGLE)), " ")));
        Column place = keep == Keep.LONGEST
                ? struct(col("characters").multiply(-1).as("worse"), col("position")) : struct(lit(0).as("worse"), col("position"));
        return documents.withColumn("words", words)
                .select(col("position"), place.as("place"), shingles.as("all"))
                .select(col("position"), col("place"), array_intersect(col("all"), col("all")).as("shingles"));
    }

    /** Each document that does not stay, with the best that it is similar to. */
    Dataset<Row> edges(Dataset<Row> signed) {
        int rows = rows(threshold);
        List<Column> bands = new ArrayList<>();
        for (int band = 0; band < HASHES / rows; band++) {
            List<Column> hashed = new ArrayList<>(List.of(lit(band)));
            for (int row = 0; row < rows; row++) {
                int seed = band * rows + row;
                hashed.add(array_min(transform(col("shingles"), shingle -> xxhash64(shingle, lit(seed)))));
            }
            bands.add(xxhash64(hashed.toArray(Column[]::new)));
        }
        Dataset<Row> members = signed.select(
                col("position"), col("place"), explode(array(bands.toArray(Column[]::new))).as("band"));
        Dataset<Row> best = members.groupBy("band").agg(min("place").as("best"));
        Dataset<Row> pairs = members.join(best, "band")
                .where(col("place").getField("position").notEqual(col("best").getField("position")))
                .select("position", "best").distinct();
        Column common = size(array_intersect(col("shingles"), col("others"))).cast("double");
        Column either = size(col("shingles")).plus(size(col("others"))).minus(common);
        return pairs.join(signed.select("position", "shingles"), "position")
                .join(signed.select(col("position").as("best_position"), col("shingles").as("others")),
                        col("best").getField("position").equalTo(col("best_position")))
                .where(common.geq(either.multiply(threshold)))
                .groupBy("position").agg(min("best").as("stays"));
    }

    /** Follows those that do not stay themselves to the one that does; the best of a group is better, so no chain is a ring. */
    private static Dataset<Row> stays(Dataset<Row> edges, KeptTables kept) {
        Dataset<Row> followed = kept.keep(edges);
        for (int round = 0; round < ROUNDS; round++) {
            Dataset<Row> next = followed.select(col("position").as("via"), col("stays").as("further"));
            Dataset<Row> joined = kept.keep(
                    followed.join(next, col("stays").getField("position").equalTo(col("via")), "left"));
            if (joined.where(col("via").isNotNull()).count() == 0) {
                return followed;
            }
            followed = joined.select(col("position"), coalesce(col("further"), col("stays")).as("stays"));
        }
        return followed;
    }
}
