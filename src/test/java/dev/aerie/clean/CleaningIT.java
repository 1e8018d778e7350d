package dev.aerie.clean;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.aerie.clean.CleaningSettings.Bounds;
import dev.aerie.errors.RefusalException;
import dev.aerie.testing.LocalSpark;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Test;

class CleaningIT {

    private static final Bounds ANY = new Bounds(0, 0);
    private static final String SAID = "the quick brown fox jumps over the lazy dog while seven old sailors count their coins at noon ";

    private final SparkSession spark = LocalSpark.session();

    @Test
    void lengthTurnsAndCondition() {
        Dataset<Row> some = documents("a", "a b c", "a b c d e f g");
        assertEquals(Map.of(0L, "cleaned, too short: 1 characters (expected at least 3)",
                2L, "cleaned, too long: 13 characters (expected at most 9)"),
                removed(new CleaningSettings(new Bounds(3, 9), ANY, null, 0, Keep.FIRST), some));
        assertEquals(3, removed(new CleaningSettings(ANY, new Bounds(3, 0), null, 0, Keep.FIRST), some).size());
        assertEquals(Map.of(1L, "data.where: not true is nullif(id, 'd1') IS NOT NULL AND characters > 0"), removed(
                new CleaningSettings(ANY, ANY, "nullif(id, 'd1') IS NOT NULL AND characters > 0", 0, Keep.FIRST), some));
        assertEquals(3, removed(new CleaningSettings(ANY, ANY, "CAST(NULL AS BOOLEAN)", 0, Keep.FIRST), some).size());
    }

    @Test
    void oneOfNearDuplicatesStays() {
        Dataset<Row> some = documents(SAID.repeat(1) + "one two three", "something else entirely, of which nobody has said a word yet",
                SAID + "one two four", SAID + "one two three and also a little bit more at the end", "short", "SHORT ");
        assertEquals(Map.of(2L, "near duplicate of d0", 3L, "near duplicate of d0", 5L, "near duplicate of d4"),
                removed(near(0.6, Keep.FIRST), some));
        assertEquals(Map.of(0L, "near duplicate of d3", 2L, "near duplicate of d3", 4L, "near duplicate of d5"),
                removed(near(0.6, Keep.LONGEST), some));
        assertEquals(Map.of(5L, "near duplicate of d4"), removed(near(1, Keep.FIRST), some));
        CleaningSettings both = new CleaningSettings(ANY, ANY, "id <> 'd0'", 0.5, Keep.FIRST);
        assertEquals("near duplicate of d2", removed(both, some).get(3L), "what the condition removes keeps nobody out");
    }

    @Test
    void similarPairsMeet() {
        assertEquals(List.of(1, 2, 5, 16), List.of(0.3, 0.5, 0.8, 1.0).stream().map(NearDuplicates::rows).toList());
    }

    @Test
    void conditionsThatAreNoneAreRefused() {
        for (String where : List.of("turns >", "words > 3", "turns + 1", "count(*) > 1", "rand() < 0.5", "turns > 1; DROP TABLE t")) {
            String message = assertThrows(RefusalException.class, () -> new Cleaning(spark,
                    new CleaningSettings(ANY, ANY, where, 0, Keep.FIRST)), where).getMessage();
            assertTrue(message.startsWith("Invalid data.where: " + where + " (expected a condition in Spark SQL over"), message);
            assertEquals(1, message.lines().count(), message);
        }
    }

    private static CleaningSettings near(double threshold, Keep keep) {
        return new CleaningSettings(ANY, ANY, null, threshold, keep);
    }

    private Map<Long, String> removed(CleaningSettings settings, Dataset<Row> documents) {
        Map<Long, String> removed = new TreeMap<>();
        new Cleaning(spark, settings).removed(documents).collectAsList().forEach(row -> removed.put(row.getLong(0), row.getString(1)));
        return removed;
    }

    private Dataset<Row> documents(String... texts) {
        List<Row> rows = new ArrayList<>();
        for (String text : texts) {
            rows.add(RowFactory.create((long) rows.size(), "d" + rows.size(), "s", 2, text));
        }
        return spark.createDataFrame(rows, Documents.SCHEMA);
    }
}
