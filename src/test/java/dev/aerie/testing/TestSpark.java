package dev.aerie.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.UnaryOperator;
import org.apache.spark.sql.SparkSession;

/** The one Spark session of this JVM. */
final class TestSpark {

    private static SparkSession session;

    private TestSpark() {}

    static synchronized SparkSession session(String master, UnaryOperator<SparkSession.Builder> settings) {
        if (session != null && !session.sparkContext().isStopped()) {
            if (session.sparkContext().master().equals(master)) {
                return session;
            }
            session.stop();
        }
        Path home = sparkHome();
        SparkSession.Builder builder = SparkSession.builder().master(master).appName("aerie-tests")
                .config("spark.ui.enabled", "false")
                .config("spark.driver.host", "127.0.0.1")
                .config("spark.driver.bindAddress", "127.0.0.1")
                .config("spark.sql.warehouse.dir", home.resolve("warehouse").toUri().toString())
                .config("spark.local.dir", home.resolve("local").toString())
                .config("spark.sql.shuffle.partitions", "2");
        session = settings.apply(builder).getOrCreate();
        return session;
    }

    static synchronized void stop() {
        if (session != null) {
            session.stop();
            session = null;
        }
    }

    /** Workers refuse to start an executor without a Spark home that has a folder of jars; theirs come with the class path. */
    private static Path sparkHome() {
        String home = System.getenv("SPARK_HOME");
        if (home == null) {
            throw new IllegalStateException("Invalid SPARK_HOME: not set (expected the environment that pom.xml gives the "
                    + "tests)");
        }
        try {
            Files.createDirectories(Path.of(home, "jars"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return Path.of(home);
    }
}
