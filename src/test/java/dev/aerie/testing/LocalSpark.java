package dev.aerie.testing;

import java.util.function.UnaryOperator;
import org.apache.spark.sql.SparkSession;

/**
 * A Spark session of two threads inside the test's JVM, shared by all tests of it; see {@link LocalCluster} for separate JVMs.
 */
public final class LocalSpark {

    private LocalSpark() {}

    /** The shared session, started by the first call. Do not stop it. */
    public static synchronized SparkSession session() {
        return TestSpark.session("local[2]", UnaryOperator.identity());
    }
}
