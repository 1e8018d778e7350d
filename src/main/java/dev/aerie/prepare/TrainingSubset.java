package dev.aerie.prepare;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.lit;

import dev.aerie.errors.RefusalException;
import dev.aerie.store.HiddenStateStore;
import dev.aerie.store.Part;
import java.io.IOException;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/**
 * A part of a store's conversations to train on, so that one store serves trainings on several parts of it.
 *
 * @param ids of the conversations
 * @param frequencies of the tokens that are supervised in them
 */
public record TrainingSubset(Set<String> ids, TokenFrequencies frequencies) {

    /**
     * Conversations of one file.
     *
     * @param name the file's, or more of its path from the end
     * @param limit records from the start of the file, those that were refused counted as when it was read; 0 for all
     */
    public record Source(String name, int limit) {

        boolean names(String source) {
            return source.equals(name) || source.endsWith("/" + name);
        }
    }

    /**
     * Finds them in the store's tokens table.
     *
     * @throws RefusalException if a source names none of the store's files, or nothing is left to train on
     */
    public static TrainingSubset read(SparkSession spark, HiddenStateStore store, List<Source> sources, int targetVocabSize)
            throws IOException {
        return of(TokensTable.read(spark, store), sources, targetVocabSize);
    }

    /** @param table with the columns of {@link TokenizedRow#SCHEMA} */
    static TrainingSubset of(Dataset<Row> table, List<Source> sources, int targetVocabSize) {
        Dataset<Row> tokens = table
                .where(col("part").equalTo(Part.TRAIN.text()));
        List<String> files = tokens.select("source").distinct().as(Encoders.STRING()).collectAsList().stream().sorted().toList();
        Column chosen = lit(false);
        for (int i = 0; i < sources.size(); i++) {
            Source source = sources.get(i);
            Object[] named = files.stream().filter(source::names).toArray();
            if (named.length == 0) {
                throw new RefusalException("Invalid train.subset[" + i + "].source: " + source.name()
                        + " (expected one of the store's: " + String.join(", ", files) + ")");
            }
            Column within = source.limit() == 0 ? lit(true) : InputFile.recordOf(col("position")).lt(source.limit());
            chosen = chosen.or(col("source").isin(named).and(within));
        }
        Dataset<Row> subset = tokens.where(chosen);
        Set<String> ids = new HashSet<>(subset.select("id").as(Encoders.STRING()).collectAsList());
        if (ids.isEmpty()) {
            throw new RefusalException("Invalid train.subset: " + sources + " leaves nothing to train on (expected at "
                    + "least one conversation)");
        }
        return new TrainingSubset(ids, TokenFrequencies.of(subset, targetVocabSize));
    }
}
