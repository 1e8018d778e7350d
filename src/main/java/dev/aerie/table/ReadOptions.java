package dev.aerie.table;

import dev.aerie.errors.Choice;
import dev.aerie.errors.RefusalException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalInt;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.util.CaseInsensitiveStringMap;

/**
 * The options of a read.
 *
 * @param store the folder of the store
 * @param rows what a row is
 * @param incomplete whether a store is read of which some shards are not committed
 * @param generation of the store; the newest complete one if empty
 * @param hadoop settings of Hadoop for this read alone: the options whose names have a dot
 */
record ReadOptions(String store, RowKind rows, boolean incomplete, OptionalInt generation, Map<String, String> hadoop) {

    private static final String PATH = "path";
    private static final String PATHS = "paths";
    private static final String ROWS = "rows";
    private static final String INCOMPLETE = "incomplete";
    private static final String GENERATION = "generation";

    /** @throws RefusalException naming an option, its value and what was expected */
    static ReadOptions of(CaseInsensitiveStringMap options) {
        String path = options.get(PATH);
        if (path == null || path.isBlank()) {
            throw new RefusalException(options.containsKey(PATHS)
                    ? "Invalid paths: " + options.get(PATHS) + " (expected one store; the union of tables reads several)"
                    : "Missing option path (expected the folder of a store)");
        }
        Map<String, String> hadoop = new LinkedHashMap<>();
        options.asCaseSensitiveMap().forEach((name, value) -> {
            if (name.contains(".")) {
                hadoop.put(name, value);
            }
        });
        return new ReadOptions(path, Choice.of(RowKind.class, "option " + ROWS,
                options.getOrDefault(ROWS, RowKind.CONVERSATIONS.text())), isTrue(options, INCOMPLETE), generation(options),
                Map.copyOf(hadoop));
    }

    private static OptionalInt generation(CaseInsensitiveStringMap options) {
        String value = options.get(GENERATION);
        if (value == null) {
            return OptionalInt.empty();
        }
        if (!value.matches("[1-9][0-9]{0,6}")) {
            throw new RefusalException("Invalid option " + GENERATION + ": " + value + " (expected a number from 1)");
        }
        if (isTrue(options, INCOMPLETE)) {
            throw new RefusalException("Invalid option " + INCOMPLETE + ": true (expected no option " + GENERATION
                    + " beside it: a generation is complete)");
        }
        return OptionalInt.of(Integer.parseInt(value));
    }

    private static boolean isTrue(CaseInsensitiveStringMap options, String name) {
        String value = options.getOrDefault(name, "false");
        if (!value.equalsIgnoreCase("true") && !value.equalsIgnoreCase("false")) {
            throw new RefusalException("Invalid option " + name + ": " + value + " (expected true or false)");
        }
        return value.equalsIgnoreCase("true");
    }

    /** Returns the session's configuration of Hadoop with this read's settings. */
    Configuration hadoopConf(SparkSession spark) {
        Configuration conf = ((org.apache.spark.sql.classic.SparkSession) spark).sessionState().newHadoopConf();
        hadoop.forEach(conf::set);
        return conf;
    }
}
