package dev.aerie.prepare;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.aerie.errors.RefusalException;
import dev.aerie.host.HostModel;
import dev.aerie.prepare.IngestSettings.Columns;
import dev.aerie.testing.LocalSpark;
import dev.aerie.text.ConversationFormat;
import dev.aerie.text.EncoderSettings;
import dev.aerie.text.OverLength;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Conversations in tables, views and queries become the same records as those in files. */
class InputTablesIT {

    private static final String TURNS =
            "array(named_struct('from', 'human', 'value', 'What is ' || n || '?'), "
                    + "named_struct('from', 'gpt', 'value', 'It is ' || n || '.'))";

    private final SparkSession spark = LocalSpark.session();
    private final String model = Path.of("quickstart", "model").toAbsolutePath().toString();

    @TempDir
    Path folder;

    @BeforeEach
    void make() {
        spark.sql("CREATE DATABASE IF NOT EXISTS chats");
        spark.range(12).toDF("n").createOrReplaceTempView("numbers");
        spark.sql("CREATE OR REPLACE TEMP VIEW structs AS SELECT 'c' || n AS id, " + TURNS + " AS conversations FROM numbers");
    }

    @AfterEach
    void drop() {
        spark.sql("DROP DATABASE chats CASCADE");
        List.of("numbers", "structs", "v").forEach(view -> spark.catalog().dropTempView(view));
    }

    /** A list of structs, the same as JSON in a text column, and each turn as JSON of its own. */
    @Test
    void columnsOfEveryKindHoldTheSameConversations() throws IOException {
        List<String> expected = read(table("structs", Columns.BY_NAME), "structs");
        assertEquals(12, expected.size());
        List<String> json = List.of(
                "SELECT id AS chat, to_json(conversations) AS body, 1 AS id FROM structs",
                "SELECT id AS chat, transform(conversations, t -> to_json(t)) AS body FROM structs",
                "SELECT id AS chat, transform(conversations, t -> map('from', t.from, 'value', t.value)) AS body FROM structs",
                "SELECT id AS chat, transform(conversations, t -> named_struct('role', t.from, 'content', t.value, 'weight', "
                        + "CAST(NULL AS DOUBLE))) AS body FROM structs",
                "SELECT id AS chat, transform(conversations, t -> t.value) AS body FROM structs",
                "SELECT id AS chat, to_json(struct(conversations, 'x' AS id)) AS body FROM structs",
                "SELECT id AS chat, named_struct('messages', conversations) AS body FROM structs",
                "SELECT id AS chat, parse_json(to_json(conversations)) AS body FROM structs");
        for (String query : json) {
            assertEquals(expected, read(query(query, new Columns("chat", "body", null)), "q"), query);
        }
        assertEquals(expected, read(query("SELECT named_struct('chat', id) AS meta, conversations AS body FROM structs",
                new Columns("meta.chat", "body", null)), "nested"));
    }

    /** The order is that of the id, whatever the order and the partitions of the rows, and numbers are ordered as numbers. */
    @Test
    void positionsDoNotDependOnTheOrderOfRows() throws IOException {
        String numbered = "SELECT n AS id, " + TURNS + " AS conversations FROM numbers";
        spark.sql(numbered).repartition(5).write().saveAsTable("chats.five");
        spark.sql(numbered + " ORDER BY n DESC").coalesce(1).write().saveAsTable("chats.one");
        List<String> five = read(table("chats.five", Columns.BY_NAME), "five");
        assertEquals(five, read(table("chats.one", Columns.BY_NAME), "one"));
        assertEquals(IntStream.range(0, 12).mapToObj(i -> i + " " + i).toList(),
                five.stream().map(line -> line.replaceFirst("^(\\d+ \\d+).*", "$1")).toList());

        String unnamed = "SELECT conversations FROM structs";
        spark.sql(unnamed).repartition(5).write().saveAsTable("chats.unnamed5");
        spark.sql(unnamed).orderBy("conversations").coalesce(1).write().saveAsTable("chats.unnamed1");
        List<String> rows = read(table("chats.unnamed5", Columns.BY_NAME), "u5");
        assertEquals(rows.stream().map(line -> line.replace("unnamed5", "unnamed1")).toList(),
                read(table("chats.unnamed1", Columns.BY_NAME), "u1"));
        assertTrue(rows.get(0).startsWith("0 chats.unnamed5#0 "), rows.get(0));
        assertEquals(5, read(new IngestSettings.Input(new IngestSettings.Table("chats.five", Columns.BY_NAME),
                ConversationFormat.AUTO, 5), "limit").size());
    }

    @Test
    void tablesStandBetweenFilesAndEveryRecordIsAccountedFor() throws IOException {
        Path file = Files.writeString(folder.resolve("a.jsonl"), "{\"id\":\"f\",\"data\":[\"Who?\",\"You.\"]}\n");
        spark.sql("CREATE OR REPLACE TEMP VIEW v AS SELECT id, CASE WHEN id = 'c1' THEN NULL WHEN id = 'c2' THEN "
                + "transform(conversations, t -> named_struct('from', 'nobody', 'value', t.value)) ELSE conversations END AS "
                + "conversations, CAST(NULL AS STRING) AS text, 7 AS stars FROM structs UNION ALL SELECT 'bytes', "
                + "array(named_struct('from', 'human', 'value', CAST(X'ff' AS STRING))), NULL, 7");
        IngestReport report = ingest(List.of(file(file), table("v", Columns.BY_NAME), file(file), query(
                "SELECT id, conversations FROM structs WHERE id = 'c5'", Columns.BY_NAME)), "all");
        assertEquals(16, report.read());
        assertEquals(2, report.duplicates());
        assertEquals(3, report.quarantined().values().stream().mapToLong(Long::longValue).sum(), report.toString());
        assertEquals(1, report.quarantined().get("invalid UTF-n"), report.toString());
        assertEquals(1, report.quarantined().get("turn n has the unknown role nobody"), report.toString());
        assertEquals(10, report.unread().get("stars"), report.toString());
        List<Row> quarantine = spark.read().parquet(folder.resolve("all/quarantine").toString()).orderBy("position")
                .collectAsList();
        assertEquals(List.of("v#0", "c1", "c2"), quarantine.stream().map(row -> row.<String>getAs("id")).toList());
        assertEquals(List.of("v", "v", "v"), quarantine.stream().map(row -> row.<String>getAs("source")).toList());
        assertEquals(List.of(1L, 1L, 1L), quarantine.stream().map(row -> row.<Long>getAs("position") >> 40).toList());
    }

    @Test
    void aTrainingMayUseOneSource() throws IOException {
        IngestSettings.Columns columns = new Columns(null, null, "origin");
        ingest(List.of(query("SELECT *, IF(id IN ('c1', 'c3'), 'lab/odd', NULL) AS origin FROM structs", columns)), "s");
        List<String> odd = subset("odd");
        assertTrue(List.of("c1", "c3").containsAll(odd) && !odd.isEmpty(), odd.toString());
        assertEquals(11, odd.size() + subset("data.inputs[0]").size(), "one is held out");
        assertThrows(RefusalException.class, () -> subset("structs"));
    }

    @Test
    void whatCannotBeReadIsRefusedBeforeAnyWork() {
        refused("Invalid data.inputs[1].table: chats.none (expected a table or view that the catalogs of this session know",
                table("chats.none", Columns.BY_NAME));
        refused("Invalid data.inputs[1].table: lake.chats.none (expected", table("lake.chats.none", Columns.BY_NAME));
        refused("Invalid data.inputs[1].table: not a name (expected", table("not a name", Columns.BY_NAME));
        refused("Invalid data.inputs[1].query: SELEC 1 (expected one query in Spark SQL; Spark says: ",
                query("SELEC 1", Columns.BY_NAME));
        refused("Invalid data.inputs[1].query: SELECT x FROM structs (expected", query("SELECT x FROM structs", Columns.BY_NAME));
        refused("Invalid data.inputs[1].query: DROP TABLE structs (expected", query("DROP TABLE structs", Columns.BY_NAME));
        assertEquals(12, spark.table("structs").count());
        refused("Invalid data.inputs[1].columns.id: chat (expected one of the columns id, conversations)",
                table("structs", new Columns("chat", null, null)));
        refused("Invalid data.inputs[1].columns.id: conversations is of type array<struct<from:string,value:string>> (expected a "
                + "column of text or whole numbers)", table("structs", new Columns("conversations", null, null)));
        refused("Invalid data.inputs[1].columns.conversation: n is of type bigint (expected a column with a list of turns",
                table("numbers", new Columns(null, "n", null)));
        refused("Invalid data.inputs[1].columns.source: conversations is of type array", table("structs",
                new Columns(null, null, "conversations")));
        refused("Missing data.inputs[1].columns.conversation (expected one of the columns n, as none is called conversations or "
                + "messages or data or text)", table("numbers", Columns.BY_NAME));
    }

    private void refused(String start, IngestSettings.Input input) {
        IngestSettings settings = settings(List.of(table("structs", Columns.BY_NAME), input));
        String message = assertThrows(RefusalException.class, () -> new Ingest(spark, settings).run(1280)).getMessage();
        assertTrue(message.startsWith(start), message);
        assertEquals(1, message.lines().count(), message);
    }

    /** Position in the input, id and tokens of each record, in the order of their positions. */
    private List<String> read(IngestSettings.Input input, String to) throws IOException {
        ingest(List.of(input), to);
        return spark.read().parquet(folder.resolve(to).resolve("tokens").toString()).collectAsList().stream()
                .map(TokenizedRow::of)
                .sorted(Comparator.comparingLong(TokenizedRow::position))
                .map(row -> (row.position() & ((1L << 40) - 1)) + " " + row.id() + " "
                        + IntStream.of(row.sequence().inputIds()).mapToObj(String::valueOf).collect(Collectors.joining(",")))
                .toList();
    }

    private IngestReport ingest(List<IngestSettings.Input> inputs, String to) throws IOException {
        try (IngestedTables tables = new Ingest(spark, settings(inputs)).run(1280)) {
            Captures.write(tables, folder.resolve(to));
            return tables.report();
        }
    }

    private List<String> subset(String source) throws IOException {
        return TrainingSubset.of(TokensTable.read(spark, folder.resolve("s").toString()), List.of(new TrainingSubset.Source(source, 0)), 1280)
                .ids().stream().sorted().toList();
    }

    private IngestSettings settings(List<IngestSettings.Input> inputs) {
        return new IngestSettings(HostModel.at(Path.of(model)), inputs, EncoderSettings.of(model, 128, OverLength.QUARANTINE),
                0, 1, 42);
    }

    private static IngestSettings.Input table(String name, Columns columns) {
        return new IngestSettings.Input(new IngestSettings.Table(name, columns), ConversationFormat.AUTO, 0);
    }

    private static IngestSettings.Input query(String sql, Columns columns) {
        return new IngestSettings.Input(new IngestSettings.Query(sql, columns), ConversationFormat.AUTO, 0);
    }

    private static IngestSettings.Input file(Path file) {
        return new IngestSettings.Input(file.toString(), ConversationFormat.AUTO, 0);
    }
}
