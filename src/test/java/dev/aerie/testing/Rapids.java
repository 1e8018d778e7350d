package dev.aerie.testing;

import static org.junit.jupiter.api.Assertions.assertNotNull;

import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.columnar.CachedBatchSerializer;
import org.apache.spark.sql.execution.columnar.CachedRDDBuilder;
import org.apache.spark.sql.execution.columnar.InMemoryRelation;
import scala.Function1;
import scala.collection.Iterable;
import scala.jdk.javaapi.CollectionConverters;
import scala.runtime.AbstractPartialFunction;

/**
 * Spark RAPIDS, which only Maven's profile {@code rapids} puts on the tests' class path: its jar has 1.0 GB and no POM that a
 * dependency could name.
 */
public final class Rapids {

    /** Of tests that need the jar. */
    public static final String TAG = "rapids";

    /** What a kept table must be written with if a GPU is to read it. */
    public static final String SERIALIZER = "com.nvidia.spark.ParquetCachedBatchSerializer";

    private Rapids() {}

    /**
     * Returns what RAPIDS says of the operators and expressions that would not run on a GPU, or only through rows on the CPU.
     *
     * @param plan kept tables in it are taken to be written with {@link #SERIALIZER}
     */
    public static List<String> left(SparkSession spark, LogicalPlan plan) {
        Dataset<?> rows = org.apache.spark.sql.classic.Dataset.ofRows(spark, (LogicalPlan) plan.transformUp(new KeptForGpus()));
        String explained;
        try {
            Method explain = Class.forName("com.nvidia.spark.rapids.ExplainPlan")
                    .getMethod("explainPotentialGpuPlan", Dataset.class, String.class);
            explained = (String) explain.invoke(null, rows, "ALL");
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("Invalid class path: " + e + " (expected that of Maven's profile rapids)", e);
        }
        if (!explained.contains("will run on GPU") && !explained.contains("cannot run on GPU")) {
            throw new IllegalStateException("Invalid explanation: " + explained);
        }
        return explained.lines().map(String::strip).filter(line -> line.startsWith("!") || line.startsWith("^")).toList();
    }

    private static final class KeptForGpus extends AbstractPartialFunction<LogicalPlan, LogicalPlan> {

        @Override
        public boolean isDefinedAt(LogicalPlan plan) {
            return plan instanceof InMemoryRelation;
        }

        @Override
        @SuppressWarnings("unchecked")
        public <A extends LogicalPlan, B> B applyOrElse(A plan, Function1<A, B> otherwise) {
            if (!(plan instanceof InMemoryRelation kept)) {
                return otherwise.apply(plan);
            }
            CachedRDDBuilder as = kept.cacheBuilder();
            InMemoryRelation forGpus = kept.copy(kept.output(), new CachedRDDBuilder(
                    serializer(), as.storageLevel(), as.cachedPlan(), as.tableName(), as.logicalPlan()), kept.outputOrdering());
            forGpus.statsOfPlanToCache_$eq(kept.statsOfPlanToCache());
            return (B) forGpus;
        }

        private static CachedBatchSerializer serializer() {
            try {
                return (CachedBatchSerializer) Class.forName(SERIALIZER).getConstructor().newInstance();
            } catch (ReflectiveOperationException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    /** Fails if RAPIDS knows no setting of a name, or does not take its value. */
    public static void requireSettings(Map<String, String> settings) throws Exception {
        Class<?> companion = loaded("com.nvidia.spark.rapids.RapidsConf$");
        Field registered = companion.getDeclaredField("registeredConfs");
        registered.setAccessible(true);
        Object module = companion.getField("MODULE$").get(null);
        Map<String, Object> known = new HashMap<>();
        for (Object entry : CollectionConverters.asJava((Iterable<?>) registered.get(module))) {
            known.put((String) entry.getClass().getMethod("key").invoke(entry), entry);
        }
        for (Map.Entry<String, String> setting : settings.entrySet()) {
            Object entry = known.get(setting.getKey());
            assertNotNull(entry, "RAPIDS has no setting " + setting.getKey());
            @SuppressWarnings("unchecked")
            Function1<String, Object> converter =
                    (Function1<String, Object>) entry.getClass().getMethod("converter").invoke(entry);
            assertNotNull(converter.apply(setting.getValue()), setting.toString());
        }
    }

    /** One of the classes for this version of Spark, which RAPIDS' own loader has. */
    private static Class<?> loaded(String name) throws ReflectiveOperationException {
        Object module = Class.forName("com.nvidia.spark.rapids.ShimReflectionUtils$").getField("MODULE$").get(null);
        return (Class<?>) module.getClass().getMethod("loadClass", String.class).invoke(module, name);
    }
}
