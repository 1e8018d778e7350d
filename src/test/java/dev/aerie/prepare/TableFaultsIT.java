package dev.aerie.prepare;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.aerie.files.Folder;
import dev.aerie.testing.FaultyFileSystem;
import dev.aerie.testing.FaultyFileSystem.When;
import dev.aerie.testing.LocalSpark;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.apache.commons.io.FileUtils;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.SparkException;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Whichever call fails while a store's table replaces one of other conversations, the folder holds all of one of them or nothing,
 * and writing it again succeeds. Every write is a Spark job, so each call fails in one way on each scheme and in the others on
 * the next.
 */
@Timeout(600)
class TableFaultsIT {

    private static final String OLD = "0".repeat(64);
    private static final String NEW = "1".repeat(64);

    private final SparkSession spark = LocalSpark.session();

    @TempDir
    Path temporary;

    @AfterEach
    void sound() {
        FaultyFileSystem.fail(0, When.BEFORE);
    }

    private Dataset<Row> table(long seed) {
        return Captures.table(spark, Captures.random(4, 0, 96, seed)).coalesce(1);
    }

    @ParameterizedTest
    @CsvSource({"file,0", "hdfs,1", "s3a,2"})
    void everyCall(String scheme, int shift) throws IOException {
        Configuration conf = FaultyFileSystem.serving(scheme);
        Configuration sparks = spark.sparkContext().hadoopConfiguration();
        Map<String, String> serving = conf.getPropsWithPrefix("fs." + scheme + ".impl");
        serving.forEach((key, value) -> sparks.set("fs." + scheme + ".impl" + key, value));
        try {
            Path old = temporary.resolve("old");
            TokensTable.write(table(1), Folder.at(scheme + "://" + old, conf), "tokens", OLD);
            boolean ended = false;
            for (int call = 1; !ended; call++) {
                When when = When.values()[(call + shift) % When.values().length];
                String what = scheme + ", " + when + " at call " + call;
                Path place = temporary.resolve("call" + call);
                FileUtils.copyDirectory(old.toFile(), place.toFile());
                Folder store = Folder.at(scheme + "://" + place, conf);
                FaultyFileSystem.fail(call, when);
                boolean succeeded = true;
                try {
                    TokensTable.write(table(2), store, "tokens", NEW);
                } catch (Exception e) {
                    succeeded = false;
                    assertTrue(e instanceof IOException || e instanceof SparkException, what + ": " + e);
                }
                ended = FaultyFileSystem.calls() < call;
                FaultyFileSystem.fail(0, when);
                if (succeeded || Files.exists(place.resolve("tokens"))) {
                    assertTrue((succeeded ? List.of(NEW) : List.of(OLD, NEW)).contains(whole(place, what)), what);
                }
                TokensTable.write(table(2), store, "tokens", NEW);
                assertEquals(NEW, whole(place, what), what);
                assertTrue(!ended || call > 10, what);
            }
        } finally {
            serving.keySet().forEach(key -> sparks.unset("fs." + scheme + ".impl" + key));
        }
    }

    /** The inputs of the table that is there with all its files. */
    private static String whole(Path store, String what) throws IOException {
        JsonNode marker = new ObjectMapper().readTree(store.resolve("tokens/_inputs.json").toFile());
        assertTrue(marker.path("files").size() > 0, what);
        for (Map.Entry<String, JsonNode> file : marker.path("files").properties()) {
            assertEquals(file.getValue().asLong(), Files.size(store.resolve("tokens").resolve(file.getKey())), what);
        }
        return marker.path("inputs").asText();
    }
}
