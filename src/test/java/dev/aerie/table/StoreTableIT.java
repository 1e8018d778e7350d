package dev.aerie.table;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.aerie.errors.RefusalException;
import dev.aerie.store.Codec;
import dev.aerie.store.CommittedShard;
import dev.aerie.store.Container;
import dev.aerie.store.HiddenStateStore;
import dev.aerie.store.Part;
import dev.aerie.store.ShardReader;
import dev.aerie.store.StoredConversation;
import dev.aerie.store.Stores;
import dev.aerie.store.TeacherRows;
import dev.aerie.testing.LocalSpark;
import dev.aerie.torch.Scope;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A store read by Spark: values as our own reader gives them, and no file opened that a query does not need. */
class StoreTableIT {

    private static final int HIDDEN = 70;
    private static final List<Integer> LAYERS = List.of(1, 3, 4);

    @TempDir
    Path folder;

    private final long seed = ThreadLocalRandom.current().nextLong();
    private final Configuration conf = new Configuration();
    private final SparkSession spark = LocalSpark.session();

    static Stream<Arguments> layouts() {
        return Codec.byName().values().stream().flatMap(codec -> Stream.of(Container.values()).map(container -> Arguments.of(
                codec, container, codec.name().length() % 2 == 0 ? TeacherRows.STRICT : TeacherRows.ALL)));
    }

    @ParameterizedTest
    @MethodSource("layouts")
    void rowsHoldWhatTheShardReaderReturns(Codec codec, Container container, TeacherRows teacherRows) throws IOException {
        HiddenStateStore store = store(folder, codec, container, teacherRows);
        Map<String, Row> rows = byId(table().collectAsList());
        List<Row> tokens = table("rows", "tokens").orderBy("id", "part", "position").collectAsList();
        int found = 0;
        for (CommittedShard shard : store.shards()) {
            try (ShardReader reader = store.reader(shard); Scope scope = Scope.open()) {
                for (Optional<StoredConversation> c = reader.next(); c.isPresent(); c = reader.next()) {
                    StoredConversation expected = c.get();
                    String where = expected.id() + ", seed " + seed;
                    float[] aux = expected.aux().toFloats();
                    float[] teacher = expected.teacherStates().toFloats();
                    assertConversation(rows.get(expected.id()), expected, shard.shard(), aux, teacher, where);
                    assertTokens(tokens.stream().filter(t -> t.<String>getAs("id").equals(expected.id())).toList(), expected, aux,
                            teacher, where);
                    found++;
                }
            }
        }
        assertEquals(rows.size(), found);
    }

    private void assertConversation(Row row, StoredConversation expected, int shard, float[] aux, float[] teacher, String where) {
        assertEquals(expected.part().text(), row.getAs("part"), where);
        assertEquals(source(expected.id()), row.getAs("source"), where);
        assertEquals(shard, row.<Integer>getAs("shard"), where);
        assertEquals(expected.tokens(), row.<Integer>getAs("tokens"), where);
        assertEquals(expected.sequence().supervisedCount(), row.<Integer>getAs("supervised"), where);
        assertArrayEquals(expected.sequence().inputIds(),
                row.<Integer>getList(row.fieldIndex("input_ids")).stream().mapToInt(i -> i).toArray(), where);
        List<Boolean> mask = row.getList(row.fieldIndex("loss_mask"));
        for (int i = 0; i < expected.tokens(); i++) {
            assertEquals(expected.sequence().lossMask()[i], mask.get(i), where);
        }
        assertArrayEquals(expected.teacherRows(),
                row.<Integer>getList(row.fieldIndex("teacher_rows")).stream().mapToInt(i -> i).toArray(), where);
        for (int l = 0; l < LAYERS.size(); l++) {
            List<scala.collection.Seq<Float>> states = row.getList(row.fieldIndex("aux_0" + LAYERS.get(l)));
            assertEquals(expected.tokens(), states.size(), where);
            for (int t = 0; t < states.size(); t++) {
                assertState(states.get(t), aux, (t * LAYERS.size() + l) * HIDDEN, where);
            }
        }
        List<scala.collection.Seq<Float>> states = row.getList(row.fieldIndex("teacher"));
        assertEquals(expected.teacherRows().length, states.size(), where);
        for (int r = 0; r < states.size(); r++) {
            assertState(states.get(r), teacher, r * HIDDEN, where);
        }
    }

    private void assertTokens(List<Row> rows, StoredConversation expected, float[] aux, float[] teacher, String where) {
        assertEquals(expected.tokens(), rows.size(), where);
        int taught = 0;
        for (int t = 0; t < rows.size(); t++) {
            Row row = rows.get(t);
            assertEquals(t, row.<Integer>getAs("position"), where);
            assertEquals(expected.part().text(), row.getAs("part"), where);
            assertEquals(source(expected.id()), row.getAs("source"), where);
            assertEquals(expected.sequence().inputIds()[t], row.<Integer>getAs("input_id"), where);
            assertEquals(expected.sequence().lossMask()[t], row.<Boolean>getAs("supervised"), where);
            for (int l = 0; l < LAYERS.size(); l++) {
                assertState(row.getAs("aux_0" + LAYERS.get(l)), aux, (t * LAYERS.size() + l) * HIDDEN, where);
            }
            if (taught < expected.teacherRows().length && expected.teacherRows()[taught] == t) {
                assertState(row.getAs("teacher"), teacher, taught * HIDDEN, where);
                taught++;
            } else {
                assertNull(row.getAs("teacher"), where);
            }
        }
        assertEquals(expected.teacherRows().length, taught, where);
    }

    private static void assertState(scala.collection.Seq<Float> found, float[] expected, int from, String where) {
        assertEquals(HIDDEN, found.size(), where);
        for (int i = 0; i < HIDDEN; i++) {
            assertEquals(expected[from + i], found.apply(i), where);
        }
    }

    /** The rows of one layer do not need the columns of another. */
    @Test
    void layersAreReadAlone() throws IOException {
        store(folder);
        List<Row> all = table().select("id", "aux_03").orderBy("id").collectAsList();
        List<Row> last = table().select("aux_04", "id", "aux_03").orderBy("id").collectAsList();
        for (int i = 0; i < all.size(); i++) {
            assertEquals(all.get(i).getList(1).toString(), last.get(i).getList(2).toString(), "seed " + seed);
        }
        assertEquals(List.of("aux_03"), List.of(table("rows", "tokens").select("aux_03").schema().fieldNames()));
        assertEquals(HIDDEN, table("rows", "tokens").where("position = 2").select("aux_03").first().getList(0).size());
    }

    @Test
    void markersAloneAnswerWhatTheyKnow() throws IOException {
        HiddenStateStore store = store(folder);
        long tokens = store.shards().stream().mapToLong(CommittedShard::tokens).sum();
        long supervised = store.conversations(Part.TRAIN).mapToLong(c -> c.supervised()).sum()
                + store.conversations(Part.HELD_OUT).mapToLong(c -> c.supervised()).sum();
        removeShards();
        assertEquals(10, table().count());
        assertEquals(tokens, table("rows", "tokens").count());
        assertEquals(1, table().where("part = 'held_out'").count());
        assertEquals(4, table().where("source = 'even'").count() - 1);
        Row sums = table().selectExpr("sum(tokens)", "sum(supervised)", "count(distinct shard)").first();
        assertEquals(List.of(tokens, supervised, 3L), List.of(sums.getLong(0), sums.getLong(1), sums.getLong(2)));
        assertEquals(300, table("rows", "tokens").where("id = 'c1'").agg(Map.of("position", "max")).first().getInt(0) + 1);
        assertEquals(10, table().select("id", "part", "source", "shard", "tokens", "supervised").collectAsList().size());
        assertThrows(Exception.class, () -> table().select("input_ids").collectAsList());
    }

    @Test
    void countIsAnsweredByTheDriver() throws IOException {
        store(folder);
        Dataset<Row> count = table().where("tokens > 20").groupBy().count();
        String plan = count.queryExecution().executedPlan().toString();
        assertTrue(plan.contains("LocalTableScan") && !plan.contains("Aggregate"), plan);
        assertEquals(6, count.first().getLong(0));
        assertTrue(table().groupBy("part").count().queryExecution().executedPlan().toString().contains("markers alone"));
        // The markers do not know it: Spark counts.
        assertEquals(0, table().where("length(id) > 3").count());
        assertEquals(10, table("rows", "tokens").where("position = 0").count());
    }

    /** A file that has gone does not matter to a query that needs others. */
    @ParameterizedTest
    @ValueSource(strings = {"id = 'c4'", "'c4' = id", "id in ('c4', 'c5', 'nothing')", "shard = 1", "shard > 0 and shard < 2",
            "tokens = 700", "tokens between 650 and 750", "701 > tokens and tokens >= 700", "id = 'c4' and source = 'even'"})
    void onlyShardsWithAMatchAreOpened(String condition) throws IOException {
        HiddenStateStore store = store(folder);
        for (CommittedShard shard : store.shards()) {
            if (shard.shard() != 1) {
                Files.delete(folder.resolve("shards").resolve(shard.file()));
            }
        }
        Dataset<Row> found = table().where(condition).select("id", "aux_01", "input_ids");
        List<Row> rows = found.collectAsList();
        assertFalse(rows.isEmpty(), condition);
        assertTrue(rows.stream().anyMatch(row -> row.getString(0).equals("c4")), condition);
        assertFalse(found.queryExecution().optimizedPlan().toString().contains("Filter"),
                found.queryExecution().optimizedPlan().toString());
        assertEquals(1, found.rdd().getNumPartitions());
        if (!condition.contains("shard") && !condition.contains("tokens")) {
            Dataset<Row> tokens = table("rows", "tokens").where(condition).select("id", "aux_01");
            assertTrue(tokens.count() > 0, condition);
        }
    }

    /** Whatever is pushed down, Spark's own evaluation says what is right. */
    @Test
    void conditionsMeanWhatTheyMeanInSpark() throws IOException {
        store(folder);
        Dataset<Row> columns = table().select("id", "part", "source", "shard", "tokens", "supervised");
        Dataset<Row> copy = spark.createDataFrame(columns.collectAsList(), columns.schema());
        Random random = new Random(seed);
        List<String> values = List.of("'c4'", "'c'", "'d'", "'train'", "'held_out'", "'even'", "'odd'", "'EVEN'", "null");
        List<String> names = List.of("id", "part", "source");
        List<String> numbers = List.of("shard", "tokens", "supervised");
        List<String> operators = List.of("=", "<", "<=", ">", ">=", "<=>", "!=");
        for (int i = 0; i < 60; i++) {
            List<String> parts = new ArrayList<>();
            for (int p = 0; p < 1 + random.nextInt(3); p++) {
                String operator = operators.get(random.nextInt(operators.size()));
                parts.add(switch (random.nextInt(6)) {
                    case 0 -> pick(random, names) + " in (" + pick(random, values) + ", " + pick(random, values) + ")";
                    case 1 -> pick(random, numbers) + " in (1, 2, " + random.nextInt(700) + ")";
                    case 2 -> pick(random, values) + " " + operator + " " + pick(random, names);
                    case 3 -> pick(random, numbers) + " " + operator + " " + random.nextInt(700) + (random.nextBoolean() ? "L" : "");
                    case 4 -> "not " + pick(random, names) + " " + operator + " " + pick(random, values);
                    default -> pick(random, names) + " " + operator + " " + pick(random, values);
                });
            }
            String condition = String.join(random.nextBoolean() ? " and " : " or ", parts);
            assertEquals(ids(copy.where(condition)), ids(columns.where(condition)), condition + ", seed " + seed);
            assertEquals(ids(copy.where(condition)).size(), table().where(condition).count(), condition + ", seed " + seed);
        }
    }

    private static String pick(Random random, List<String> from) {
        return from.get(random.nextInt(from.size()));
    }

    private static List<String> ids(Dataset<Row> rows) {
        return rows.select("id").orderBy("id").collectAsList().stream().map(row -> row.getString(0)).toList();
    }

    @Test
    void whatCannotBePushedStaysWithSpark() throws IOException {
        store(folder);
        Dataset<Row> rows = table().where("part = 'train' and id like '%4' and array_contains(input_ids, input_ids[0])").select("id");
        String plan = rows.queryExecution().optimizedPlan().toString();
        assertTrue(plan.contains("Filter"), plan);
        assertFalse(plan.lines().filter(l -> l.contains("Filter")).anyMatch(l -> l.contains("train")), plan);
        assertEquals(List.of("c4"), ids(rows));
    }

    @Test
    void aShardWithoutConversationsIsLeftOut() throws IOException {
        HiddenStateStore store = HiddenStateStore.create(folder.toString(), conf,
                Stores.settings(Codec.of("bf16"), TeacherRows.STRICT, HIDDEN, 2));
        Stores.commit(store, 0, List.of());
        Stores.commit(store, 1, Stores.samples(seed, HIDDEN, 3));
        store.complete();
        assertEquals(1, table().select("input_ids").rdd().getNumPartitions());
        assertEquals(1, table().select("input_ids").collectAsList().size());
    }

    @Test
    void sqlKnowsTheFormat() throws IOException {
        store(folder);
        spark.sql("CREATE TABLE states USING aerie OPTIONS (path '" + folder + "')");
        spark.sql("CREATE TABLE state_tokens USING aerie OPTIONS (path '" + folder + "', rows 'tokens')");
        spark.sql("CREATE TEMPORARY VIEW few USING aerie OPTIONS (path '" + folder + "')");
        try {
            assertEquals(10, spark.sql("SELECT count(*) FROM states").first().getLong(0));
            assertEquals(10, spark.sql("SELECT count(*) FROM few").first().getLong(0));
            assertEquals(300, spark.sql("SELECT count(*) FROM state_tokens WHERE id = 'c1'").first().getLong(0));
            assertEquals(HIDDEN, spark.sql("SELECT size(aux_03[0]) FROM states WHERE id = 'c4'").first().getInt(0));
            assertEquals(1, spark.sql("SELECT s.id FROM states s JOIN few f ON s.id = f.id WHERE f.part = 'held_out'").count());
        } finally {
            spark.sql("DROP TABLE states");
            spark.sql("DROP TABLE state_tokens");
            spark.sql("DROP VIEW few");
        }
        assertTrue(Files.exists(folder.resolve("store.json")), "dropping the table keeps the store");
    }

    @Test
    void severalStoresAreAUnion() throws IOException {
        List<String> paths = new ArrayList<>();
        for (String codec : List.of("bf16", "fp8", "int8")) {
            Path path = folder.resolve(codec);
            store(path, Codec.of(codec), codec.equals("fp8") ? Container.ARROW : Container.PARQUET, TeacherRows.STRICT);
            paths.add(path.toString());
        }
        Dataset<Row> all = paths.stream().map(path -> spark.read().format("aerie").load(path)).reduce(Dataset::union).orElseThrow();
        assertEquals(30, all.count());
        assertEquals(3, all.where("id = 'c4'").select("aux_01").collectAsList().size());
        assertRefused("expected one store", () -> spark.read().format("aerie").load(paths.toArray(String[]::new)));
    }

    @Test
    void anIncompleteStoreIsReadOnDemand() throws IOException {
        HiddenStateStore store = HiddenStateStore.create(folder.toString(), conf,
                Stores.settings(Codec.of("bf16"), TeacherRows.STRICT, HIDDEN, 2));
        Stores.commit(store, 1, Stores.samples(seed, HIDDEN, 3, 5));
        assertRefused("1 of 2 shards are committed", () -> table());
        assertRefused("Invalid option incomplete: yes (expected true or false)", () -> table("incomplete", "yes"));
        assertEquals(2, table("incomplete", "true").select("input_ids").collectAsList().size());
        assertEquals(2, table("Incomplete", "TRUE").count());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {"rows | pages | Invalid option rows: pages (expected conversations or tokens)",
            "incomplete | 1 | Invalid option incomplete: 1 (expected true or false)"})
    void anUnknownValueOfAnOptionIsRefused(String option, String value, String sentence) throws IOException {
        store(folder);
        assertRefused(sentence, () -> table(option, value));
    }

    @Test
    void whatIsNoStoreIsRefused() throws IOException {
        assertRefused("it has no store.json", () -> table());
        assertRefused("Missing option path", () -> spark.read().format("aerie").load());
        Files.writeString(folder.resolve("store.json"), "{\"format_version\": 1}", StandardCharsets.UTF_8);
        assertRefused("format_version is 1 (expected 2", () -> table());
        Files.writeString(folder.resolve("store.json"), "what", StandardCharsets.UTF_8);
        assertRefused("Invalid store.json", () -> table());
    }

    @Test
    void sourcesNeedTheTokensTable() throws IOException {
        store(folder);
        remove(folder.resolve("tokens"));
        assertEquals(10, table().count());
        assertEquals(10, table().select("id", "input_ids").collectAsList().size());
        assertRefused("the column source cannot be read from tokens", () -> table().select("source").collectAsList());
        assertRefused("the column source cannot be read from tokens", () -> table().where("source = 'even'").count());
    }

    /** Settings of a file system for one read. */
    @Test
    void optionsWithADotAreHadoopsSettings() throws IOException {
        store(folder);
        Dataset<Row> rows = spark.read().format("aerie").option("fs.twin.impl", "org.apache.hadoop.fs.RawLocalFileSystem")
                .option("fs.twin.impl.disable.cache", "true").load(folder.toString());
        assertEquals(10, rows.select("input_ids").collectAsList().size());
        assertThrows(Exception.class, () -> spark.read().format("aerie").option("fs.defaultFS", "nowhere://x").load(folder.toString()));
    }

    // ---- what they read ----

    private HiddenStateStore store(Path path) throws IOException {
        return store(path, Codec.of("bf16"), Container.PARQUET, TeacherRows.STRICT);
    }

    /** Ten conversations in three shards, c0 to c9, the last one held out; their sources by turns. */
    private HiddenStateStore store(Path path, Codec codec, Container container, TeacherRows rows) throws IOException {
        HiddenStateStore store = HiddenStateStore.create(path.toString(), conf, Stores.settings(container, codec, rows, HIDDEN, 3));
        List<Stores.Sample> samples = new ArrayList<>(Stores.samples(seed, HIDDEN, 5, 300, 256, 1, 700, 20, 30, 257, 2));
        Stores.Sample last = Stores.sample("c9", 40, HIDDEN, seed + 9);
        samples.add(new Stores.Sample("c9", Part.HELD_OUT, last.ids(), new boolean[40], last.aux(), last.last()));
        Stores.commit(store, 0, samples.subList(0, 3));
        Stores.commit(store, 1, samples.subList(3, 6));
        Stores.commit(store, 2, samples.subList(6, 10));
        List<Row> tokens = samples.stream().map(s -> RowFactory.create(s.id(), s.part().text(), source(s.id()))).toList();
        spark.createDataFrame(tokens, new StructType().add("id", DataTypes.StringType).add("part", DataTypes.StringType)
                .add("source", DataTypes.StringType)).write().parquet(path.resolve("tokens").toString());
        return store.complete();
    }

    private static String source(String id) {
        return id.charAt(1) % 2 == 0 ? "even" : "odd";
    }

    private Dataset<Row> table(String... options) {
        Map<String, String> map = new HashMap<>();
        for (int i = 0; i < options.length; i += 2) {
            map.put(options[i], options[i + 1]);
        }
        return spark.read().format("aerie").options(map).load(folder.toString());
    }

    private static Map<String, Row> byId(List<Row> rows) {
        Map<String, Row> out = new HashMap<>();
        rows.forEach(row -> assertNull(out.put(row.getAs("id"), row)));
        return out;
    }

    private void removeShards() throws IOException {
        remove(folder.resolve("shards"));
    }

    private static void remove(Path path) throws IOException {
        try (Stream<Path> files = Files.list(path)) {
            for (Path file : files.toList()) {
                Files.delete(file);
            }
        }
        Files.delete(path);
    }

    private static void assertRefused(String sentence, org.junit.jupiter.api.function.Executable read) {
        RefusalException refusal = assertThrows(RefusalException.class, read);
        assertTrue(refusal.getMessage().contains(sentence), refusal.getMessage());
        assertEquals(1, refusal.getMessage().lines().count(), refusal.getMessage());
    }
}
