package dev.aerie.evaluate;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.max;
import static org.apache.spark.sql.functions.negate;
import static org.apache.spark.sql.functions.struct;

import java.io.Serializable;
import java.util.Arrays;
import java.util.List;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;

/**
 * The simplest draft, as a baseline for EAGLE-3 drafts: after each token it proposes the token that most often follows it in the
 * target's turns of the training conversations (of equal ones the smaller id; after a token that has no successor there, the most
 * frequent token).
 *
 * @param next index a: the token proposed after token a
 */
public record BigramTable(int[] next) implements Serializable {

    /**
     * Counts over the training part of a store's tokens table. Spark counts the pairs; the driver receives one row per token that
     * has a successor, however large the store is.
     *
     * @param tokens with columns {@code part}, {@code input_ids} and {@code loss_mask}
     */
    public static BigramTable of(Dataset<Row> tokens, int vocabSize) {
        Dataset<Row> pairs = pairs(tokens);
        int[] next = new int[vocabSize];
        Arrays.fill(next, mostFrequent(pairs));
        // Structs are ordered by their first field, then by the second: the largest count, then the smallest id.
        Dataset<Row> best = pairs.groupBy("previous", "token").count()
                .groupBy("previous").agg(max(struct(col("count"), negate(col("token")).as("negative"))).as("best"))
                .select(col("previous"), negate(col("best.negative")));
        for (Row row : best.collectAsList()) {
            next[row.getInt(0)] = row.getInt(1);
        }
        return new BigramTable(next);
    }

    /** Returns adjacent tokens whose second is supervised: columns {@code previous} and {@code token}. */
    private static Dataset<Row> pairs(Dataset<Row> tokens) {
        return tokens.where("part = 'train' and size(input_ids) > 1")
                .selectExpr(
                        "slice(input_ids, 1, size(input_ids) - 1) as previous",
                        "slice(input_ids, 2, size(input_ids) - 1) as token",
                        "slice(loss_mask, 2, size(input_ids) - 1) as supervised")
                .selectExpr("inline(arrays_zip(previous, token, supervised))")
                .where("supervised")
                .select("previous", "token");
    }

    private static int mostFrequent(Dataset<Row> pairs) {
        List<Row> first = pairs.groupBy("token").count().orderBy(col("count").desc(), col("token")).limit(1).collectAsList();
        return first.isEmpty() ? 0 : first.get(0).getInt(0);
    }

    /**
     * Returns the counts of greedy speculative decoding with this table as the draft. Its text would be the target's own, so the
     * text need not be decoded again.
     *
     * @param text the target's greedy continuation, its first token from the prefill
     */
    Acceptance replay(long[] text, int draftTokens) {
        Acceptance acceptance = Acceptance.none(draftTokens);
        int at = 0;
        while (at + 1 < text.length) {
            int left = text.length - 1 - at;
            int accepted = 0;
            int guess = next[(int) text[at]];
            while (accepted < Math.min(draftTokens, left) && guess == text[at + 1 + accepted]) {
                accepted++;
                guess = next[guess];
            }
            int added = Math.min(accepted + 1, left);
            acceptance = acceptance.round(accepted, added);
            at += added;
        }
        return acceptance;
    }
}
