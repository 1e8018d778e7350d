package dev.aerie.prepare;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.aerie.clean.CleaningSettings;
import dev.aerie.clean.CleaningSettings.Bounds;
import dev.aerie.clean.Keep;
import dev.aerie.host.HostModel;
import dev.aerie.testing.LocalSpark;
import dev.aerie.testing.Rapids;
import dev.aerie.text.ConversationFormat;
import dev.aerie.text.EncoderSettings;
import dev.aerie.text.OverLength;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.api.java.UDF1;
import org.apache.spark.sql.catalyst.plans.logical.DeserializeToObject;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.ReturnAnswer;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.execution.LogicalRDD;
import org.apache.spark.sql.execution.SparkPlan;
import org.apache.spark.sql.execution.SparkStrategy;
import org.apache.spark.sql.functions;
import org.apache.spark.sql.types.DataTypes;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import scala.collection.immutable.Seq;
import scala.jdk.javaapi.CollectionConverters;

/**
 * Whether Spark RAPIDS would run the cleaning stage on a GPU: every query that Spark plans in a run of {@link Ingest} is given to
 * RAPIDS' own explanation, which needs no GPU. The stage begins and ends where rows come from and go to Java code.
 */
@Tag(Rapids.TAG)
class RapidsPlansIT {

    private static final String ADAPTIVE = "spark.sql.adaptive.enabled";

    private final SparkSession spark = (SparkSession) LocalSpark.session();
    private final Recorder recorder = new Recorder();

    @TempDir
    Path folder;

    /** Keeps what Spark plans, and plans nothing. */
    private static final class Recorder extends SparkStrategy {

        private final List<LogicalPlan> plans = new ArrayList<>();

        @Override
        public synchronized Seq<SparkPlan> apply(LogicalPlan plan) {
            if (plan instanceof ReturnAnswer whole) {
                plans.add(whole.child());
            }
            return CollectionConverters.asScala(List.<SparkPlan>of()).toSeq();
        }

        synchronized List<LogicalPlan> plans() {
            return List.copyOf(plans);
        }
    }

    @BeforeEach
    void explanationsNeedWholePlans() {
        spark.conf().set(ADAPTIVE, "false");
        plannedBy(List.of(recorder));
    }

    @AfterEach
    void asItWas() {
        plannedBy(List.of());
        spark.conf().unset(ADAPTIVE);
    }

    private void plannedBy(List<SparkStrategy> strategies) {
        spark.experimental().extraStrategies_$eq(CollectionConverters.asScala(strategies).toSeq());
    }

    @Test
    void everyOperatorOfTheCleaningStageRunsOnAGpu() throws Exception {
        // Ids that collide, equal conversations, and chains of similar ones: every branch plans its queries.
        StringBuilder lines = new StringBuilder();
        for (int i = 0; i < 18; i++) {
            lines.append("{\"id\":\"").append(List.of("a", "a", "a~2").get(i % 3)).append("\",\"conversations\":[")
                    .append("{\"from\":\"human\",\"value\":\"")
                    .append("What are the first numbers of all of them and which are the largest? ".repeat(1 + i % 6))
                    .append(i).append("\"},{\"from\":\"gpt\",\"value\":\"It is ").append(i % 9).append(".\"}]}\n");
        }
        for (Keep keep : Keep.values()) {
            Path in = Files.writeString(folder.resolve(keep + ".jsonl"), lines + "not json\n" + lines.substring(0, 600));
            String model = Path.of("quickstart", "model").toAbsolutePath().toString();
            IngestSettings settings = new IngestSettings(HostModel.at(Path.of(model)),
                    List.of(new IngestSettings.Input(in.toString(), ConversationFormat.SHAREGPT, 0)),
                    new CleaningSettings(new Bounds(3, 900), new Bounds(1, 99),
                            "source LIKE '%json%' AND turns >= 2 AND NOT contains(text, 'as an AI')", 0.5, keep),
                    EncoderSettings.of(model, 256, OverLength.QUARANTINE), 0.01, 1, 42);
            try (IngestedTables tables = new Ingest(spark, settings).run(1280)) {
                Map<String, Long> removed = new TreeMap<>(tables.report().quarantined());
                assertTrue(removed.keySet().stream().anyMatch(r -> r.startsWith("near duplicate of")), removed.toString());
            }
        }
        List<LogicalPlan> plans = recorder.plans().stream().filter(p -> !(p instanceof LogicalRDD)).toList();
        assertTrue(plans.size() > 20, plans.size() + " plans");
        Set<String> left = new TreeSet<>();
        for (LogicalPlan plan : plans) {
            LogicalPlan rows = plan instanceof DeserializeToObject toJava ? toJava.child() : plan;
            assertFalse(rows.treeString().lines().anyMatch(line -> line.matches("[ :|+-]*LogicalRDD .*")), "not a leaf: " + rows);
            left.addAll(Rapids.left(spark, rows));
        }
        assertEquals(Set.of(), left, "operators that would stay on the CPU");
    }

    /** The test above would find them. */
    @Test
    void explanationsNameWhatStaysOnTheCpu() {
        Dataset<Row> some = spark.range(3).select(functions.col("id").cast(DataTypes.StringType).as("text")).persist();
        try {
            UDF1<String, String> ours = text -> text;
            Column text = functions.col("text");
            assertEquals(List.of(), left(some.select(functions.lower(text))));
            assertFalse(left(some.select(functions.udf(ours, DataTypes.StringType).apply(text))).isEmpty());
            assertFalse(left(some.select(functions.to_json(functions.struct(text)))).isEmpty());
            assertFalse(left(some.orderBy(text.cast(DataTypes.BinaryType))).isEmpty());
            assertFalse(left(some.where(text.rlike("(?i)as an ai"))).isEmpty());
            assertFalse(left(spark.createDataset(List.of("a"), Encoders.STRING()).toDF().where("value > '0'")
                    .select(functions.udf(ours, DataTypes.StringType).apply(functions.col("value")))).isEmpty());
        } finally {
            some.unpersist();
        }
    }

    private List<String> left(Dataset<Row> rows) {
        return Rapids.left(spark, ((org.apache.spark.sql.classic.Dataset<Row>) rows).queryExecution().optimizedPlan());
    }

    @Test
    void theSettingsAreRapidsOwn() throws Exception {
        Map<String, String> settings = new TreeMap<>();
        for (String line : Files.readAllLines(Path.of("conf", "spark", "rapids.conf"))) {
            if (line.startsWith("spark.")) {
                String[] parts = line.strip().split("\\s+", 2);
                assertEquals(null, settings.put(parts[0], parts[1]), line);
            }
        }
        assertEquals(Rapids.SERIALIZER, settings.get("spark.sql.cache.serializer"));
        assertEquals("com.nvidia.spark.SQLPlugin", settings.get("spark.plugins"));
        settings.keySet().removeIf(key -> !key.startsWith("spark.rapids."));
        assertTrue(settings.size() > 5, settings.toString());
        Rapids.requireSettings(settings);
    }
}
