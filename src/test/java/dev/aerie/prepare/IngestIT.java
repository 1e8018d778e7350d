package dev.aerie.prepare;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.aerie.clean.CleaningSettings;
import dev.aerie.clean.Keep;
import dev.aerie.host.HostModel;
import dev.aerie.errors.RefusalException;
import dev.aerie.store.Part;
import dev.aerie.testing.LocalSpark;
import dev.aerie.testing.Shared;
import dev.aerie.text.ConversationFormat;
import dev.aerie.text.EncoderSettings;
import dev.aerie.text.OverLength;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class IngestIT {

    private static final String TURN =
            "{\"from\":\"human\",\"value\":\"What is %s?\"},{\"from\":\"gpt\",\"value\":\"It is %s.\"}";

    private final SparkSession spark = LocalSpark.session();

    @TempDir
    Path folder;

    private String model = Path.of("quickstart", "model").toAbsolutePath().toString();
    private int vocabulary = 1280;

    /** Spark's own overwriting keeps the rows of both, or fails one of them. */
    @Test
    void runsAtOneTimeLeaveEachConversationOnce() throws Exception {
        List<IngestSettings.Input> inputs = List.of(input(write(lines(40))));
        try (IngestedTables tables = new Ingest(spark, settings(inputs, 4, 0.01)).run(vocabulary)) {
            ExecutorService threads = Executors.newFixedThreadPool(3);
            CyclicBarrier start = new CyclicBarrier(3);
            List<Future<?>> runs = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                runs.add(threads.submit(() -> {
                    start.await(60, TimeUnit.SECONDS);
                    Captures.write(tables, folder.resolve("s"));
                    return null;
                }));
            }
            for (Future<?> run : runs) {
                run.get(300, TimeUnit.SECONDS);
            }
            threads.shutdown();
            assertEquals(tables.report().train() + tables.report().heldOut(), tokens("s").size());
        }
        try (Stream<Path> left = Files.list(folder.resolve("s"))) {
            assertEquals(List.of("ingest.json", "quarantine", "tokens", "vocabulary.json"),
                    left.map(p -> p.getFileName().toString()).filter(n -> !n.startsWith(".")).sorted().toList());
        }
    }

    @Tag(Shared.TAG)
    @Test
    void readsRealConversationsOnce() throws IOException {
        Path real = Shared.path("data/sharegpt_gsm8k.json");
        model = Shared.path("models/gsm-llama-8l").toString();
        vocabulary = 4096;
        List<IngestSettings.Input> inputs = List.of(
                new IngestSettings.Input(real.toString(), ConversationFormat.SHAREGPT, 150),
                new IngestSettings.Input(real.toString(), ConversationFormat.AUTO, 100),
                new IngestSettings.Input(Shared.path("data/ultrachat_gsm8k.jsonl").toString(), ConversationFormat.ULTRACHAT, 60));
        IngestReport report = ingest(inputs, 20, "a");
        assertEquals(310, report.read());
        assertEquals(310, report.duplicates() + report.train() + report.heldOut() + quarantined(report));
        assertTrue(report.duplicates() >= 100, report.toString());
        assertEquals(20, report.heldOut());

        List<TokenizedRow> rows = tokens("a");
        assertEquals(report.train() + report.heldOut(), rows.size());
        assertEquals(report.tokens(), rows.stream().mapToLong(r -> r.sequence().inputIds().length).sum());
        Set<String> ids = new HashSet<>();
        assertTrue(rows.stream().allMatch(r -> ids.add(r.id())));

        long[] counts = new long[vocabulary];
        long[] firstSeen = new long[vocabulary];
        Arrays.fill(firstSeen, TokenFrequencies.NEVER);
        rows.stream().filter(r -> r.part() == Part.TRAIN).forEach(r -> {
            for (int i = 0; i < r.sequence().inputIds().length; i++) {
                int id = r.sequence().inputIds()[i];
                counts[id] += r.sequence().lossMask()[i] ? 1 : 0;
                if (r.sequence().lossMask()[i] && (firstSeen[id] == TokenFrequencies.NEVER || r.position() < firstSeen[id])) {
                    firstSeen[id] = r.position();
                }
            }
        });
        TokenFrequencies kept = TokenFrequencies.read(folder.resolve("a").toString(), spark.sparkContext().hadoopConfiguration());
        assertArrayEquals(counts, kept.counts());
        assertArrayEquals(firstSeen, kept.firstSeen());
        assertEquals(512, kept.draftVocabulary(512).size());
    }

    @Test
    void writesTheSameWhateverTheNumberOfTasks() throws IOException {
        Path file = write(lines(60));
        spark.conf().set("spark.sql.shuffle.partitions", "7");
        ingest(List.of(input(file)), 9, "a");
        spark.conf().set("spark.sql.shuffle.partitions", "2");
        ingest(List.of(input(file)), 9, "b");
        spark.conf().unset("spark.sql.shuffle.partitions");
        List<TokenizedRow> a = tokens("a");
        List<TokenizedRow> b = tokens("b");
        assertEquals(60, a.size());
        for (int i = 0; i < a.size(); i++) {
            assertEquals(a.get(i).position(), b.get(i).position());
            assertEquals(a.get(i).id(), b.get(i).id());
            assertEquals(a.get(i).part(), b.get(i).part());
            assertArrayEquals(a.get(i).sequence().inputIds(), b.get(i).sequence().inputIds());
        }
        assertEquals(9, a.stream().filter(r -> r.part() == Part.HELD_OUT).count());
    }

    @Test
    void everyRecordIsAccountedFor() throws IOException {
        String good = lines(4);
        String bad = "not json\n{\"id\":\"u\",\"conversations\":[{\"from\":\"human\",\"value\":\"q\"}]}\n"
                + "{\"id\":\"long\",\"conversations\":[" + turn("it", "long ".repeat(200)) + "]}\n"
                + "{\"id\":\"other\",\"conversations\":[" + turn(0, 0) + "]}\n"
                + "{\"id\":\"c1\",\"conversations\":[" + turn("new", "new") + "]}\n";
        IngestReport report = ingest(List.of(input(write(good + bad))), 1, "a");
        assertEquals(9, report.read());
        assertEquals(1, report.duplicates());
        assertEquals(3, quarantined(report));
        assertEquals(4, report.train());
        assertEquals(1, report.heldOut());
        assertTrue(tokens("a").stream().anyMatch(r -> r.id().equals("c1~2")), "an id that occurs twice is told apart");

        List<Row> quarantine = spark.read().parquet(folder.resolve("a/quarantine").toString()).orderBy("position")
                .collectAsList();
        List<String> reasons = quarantine.stream().map(r -> r.<String>getAs("reason")).toList();
        assertEquals(3, reasons.size());
        assertTrue(reasons.get(0).startsWith("no JSON"), reasons.get(0));
        assertEquals("no assistant turn", reasons.get(1));
        assertTrue(reasons.get(2).startsWith("over length"), reasons.get(2));
        assertEquals("not json", quarantine.get(0).getAs("excerpt"));
    }

    /** A conversation that cleaning removes is in the quarantine, and the numbers of the report add up. */
    @Test
    void whatIsCleanedIsQuarantined() throws IOException {
        List<IngestSettings.Input> inputs = List.of(input(write(lines(6) + lines(1))));
        IngestSettings plain = settings(inputs, 1, 0.01);
        IngestSettings cleaned = new IngestSettings(plain.model(), inputs, new CleaningSettings(new CleaningSettings.Bounds(0, 0),
                new CleaningSettings.Bounds(0, 0), "id <> 'c2'", 0, Keep.FIRST), plain.encoder(), 0.01, 1, 42);
        try (IngestedTables tables = new Ingest(spark, cleaned).run(vocabulary)) {
            Captures.write(tables, folder.resolve("c"));
            IngestReport report = tables.report();
            assertEquals(7, report.read());
            assertEquals(1, report.duplicates());
            assertEquals(5, report.train() + report.heldOut());
            assertEquals(Map.of("data.where: not true is id <> 'cn'", 1L), report.quarantined());
        }
        Row row = spark.read().parquet(folder.resolve("c/quarantine").toString()).first();
        assertEquals("c2", row.getAs("id"));
        assertTrue(row.<String>getAs("excerpt").contains("What is 2?"), row.toString());
    }

    /** The store finds a conversation by its id, and new names may be taken already. */
    @Test
    void idsThatCollideAreToldApart() throws IOException {
        List<String> ids = List.of("a", "a", "a~2", "a", "a~4", "a~2", "a~2~2", "b", "b", "~2", "a~02", "a~");
        StringBuilder records = new StringBuilder();
        for (int i = 0; i < ids.size(); i++) {
            records.append("{\"id\":\"").append(ids.get(i)).append("\",\"conversations\":[").append(turn(i, i)).append("]}\n");
        }
        IngestReport report = ingest(List.of(input(write(records.toString()))), 1, "a");
        assertEquals(ids.size(), report.train() + report.heldOut());
        assertEquals(List.of("a", "a~3", "a~2", "a~5", "a~4", "a~2~3", "a~2~2", "b", "b~2", "~2", "a~02", "a~"),
                tokens("a").stream().map(TokenizedRow::id).toList());
    }

    /** Whatever the reader takes, each later stage takes. */
    @Test
    void largeAndDeepRecordsStopNothing() throws IOException {
        String large = "{\"id\":\"large\",\"image\":\"" + "QUJD".repeat(21 << 18) + "\",\"conversations\":["
                + turn("large", "large")
                + "]}\n{\"id\":\"said\",\"conversations\":[" + turn("QUJD".repeat(21 << 18), "said") + "]}\n";
        String deep = "[".repeat(250) + "]".repeat(250);
        String call = "{\"id\":\"deep\",\"messages\":[{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"assistant\",\"content\":\"r\","
                + "\"tool_calls\":[{\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"a\\\":" + deep + "}\"}}]}]}\n";
        IngestReport report = ingest(List.of(new IngestSettings.Input(
                write(lines(3) + large + call).toString(), ConversationFormat.AUTO, 0)), 1, "a");
        assertEquals(6, report.read());
        assertTrue(tokens("a").stream().anyMatch(r -> r.id().equals("large")), report.toString());
        assertEquals(6, report.train() + report.heldOut() + quarantined(report), report.toString());
        assertTrue(report.toString().contains("over length: n characters (expected at most n"), report.toString());
    }

    @Test
    void theSummaryTellsWholeReasonsAndWhatIsLost() throws IOException {
        String bad = "{\"conversations\":[{\"from\":\"gpt\",\"value\":\"q\"}]}\n".repeat(3) + "not json\n";
        Path array = Files.writeString(folder.resolve("broken.json"), "[" + lines(3).lines().skip(2).findFirst().orElseThrow()
                + ",{x");
        Files.writeString(folder.resolve("_SUCCESS"), "");
        Path in = Files.createDirectory(folder.resolve("in"));
        Files.writeString(in.resolve("_SUCCESS"), "");
        Files.writeString(in.resolve("a.jsonl"), lines(4) + bad);
        IngestReport report = ingest(List.of(input(in), input(array)), 1, "a");
        assertEquals(3, report.quarantined().get("wrong role order: turn n is assistant and the first"), report.toString());
        String told = report.toString();
        assertTrue(told.contains("quarantined 1: no JSON: unexpected 'not' at character n"), told);
        assertTrue(told.contains("lost in file:" + array + ": no JSON at byte "), told);
        assertTrue(told.contains("passed over 1 files or folders"), told);
    }

    /** Before any work, and all of them at once. */
    @Test
    void filesOfOtherKindsAreRefusedByName() throws IOException {
        Path in = Files.createDirectory(folder.resolve("in"));
        Files.writeString(in.resolve("a.jsonl"), lines(4));
        Files.writeString(in.resolve("b.zip"), "PK\u0003\u0004");
        Files.createDirectory(in.resolve("c"));
        Files.writeString(in.resolve("c/d.jsonl"), "version https://git-lfs.github.com/spec/v1\noid sha256:0\n");
        String message = assertThrows(RefusalException.class,
                () -> new Ingest(spark, settings(List.of(input(in)), 1, 0.01)).run(vocabulary)).getMessage();
        assertTrue(message.contains("/in/b.zip is a ZIP archive") && message.contains("/in/c/d.jsonl is a Git LFS pointer"),
                message);
    }

    @Test
    void aTrainingMayUseAPartOfTheStore() throws IOException {
        Path first = write(lines(20));
        Path second = write(lines(30).lines().skip(20).map(l -> l + "\n").collect(Collectors.joining()));
        ingest(List.of(input(first), input(second)), 4, "a");
        List<TokenizedRow> expected = tokens("a").stream()
                .filter(r -> r.part() == Part.TRAIN)
                .filter(r -> r.source().endsWith(second.getFileName().toString()) || Integer.parseInt(r.id().substring(1)) < 6)
                .toList();
        TrainingSubset subset = subset(new TrainingSubset.Source(first.getFileName().toString(), 6),
                new TrainingSubset.Source(second.toUri().toString().replaceFirst("^file:/+", ""), 0));
        assertEquals(expected.stream().map(TokenizedRow::id).collect(Collectors.toSet()), subset.ids());
        long supervised = 0;
        for (TokenizedRow row : expected) {
            for (boolean one : row.sequence().lossMask()) {
                supervised += one ? 1 : 0;
            }
        }
        assertEquals(supervised, Arrays.stream(subset.frequencies().counts()).sum());
        assertThrows(RefusalException.class, () -> subset(new TrainingSubset.Source("x" + first.getFileName(), 0)));
    }

    private TrainingSubset subset(TrainingSubset.Source... sources) throws IOException {
        return TrainingSubset.of(TokensTable.read(spark, folder.resolve("a").toString()), List.of(sources), vocabulary);
    }

    @Test
    void refusesWhatCannotBeTrainedOn() throws IOException {
        Path file = write(lines(3));
        String missing = folder.resolve("none.json").toString();
        refused("Invalid data.inputs[0].path: " + missing,
                settings(List.of(new IngestSettings.Input(missing, ConversationFormat.AUTO, 0)), 0, 0.01));
        refused("Invalid data: nothing to train on is left", settings(List.of(input(file)), 3, 0.01));
        refused("Invalid data: nothing to train on is left", settings(List.of(input(file)), 9, 0.01));
        refused("Invalid loss mask: ", settings(List.of(input(file)), 0, 0.99));
    }

    @Test
    void fieldsThatNothingReadsAreCountedAndKept() throws IOException {
        StringBuilder lines = new StringBuilder();
        for (int i = 0; i < 6; i++) {
            lines.append("{\"id\":\"r").append(i).append(i % 2 == 0 ? "\",\"instructions\":\"x" : "")
                    .append("\",\"nothing\":null,\"conversations\":[{\"from\":\"human\",\"value\":\"q").append(i)
                    .append("\"},{\"from\":\"gpt\",\"value\":\"an answer\",\"reasoning\":\"why\"}]}\n");
        }
        Path file = Files.writeString(folder.resolve("fields.jsonl"), lines);
        IngestReport report = ingest(List.of(new IngestSettings.Input(file.toString(), ConversationFormat.AUTO, 0)), 1, "fields");
        assertEquals(Map.of("instructions", 3L, "messages[].reasoning", 6L), report.unread());
        assertTrue(report.toString().contains("read by nothing: instructions, in 3"), report.toString());
        assertTrue(Files.readString(folder.resolve("fields/ingest.json")).contains("\"instructions\" : 3"));
    }

    private void refused(String start, IngestSettings settings) {
        String message = assertThrows(RefusalException.class, () -> new Ingest(spark, settings).run(vocabulary)).getMessage();
        assertTrue(message.startsWith(start), message);
    }

    private IngestReport ingest(List<IngestSettings.Input> inputs, int heldOut, String to) throws IOException {
        try (IngestedTables tables = new Ingest(spark, settings(inputs, heldOut, 0.01)).run(vocabulary)) {
            Captures.write(tables, folder.resolve(to));
            return tables.report();
        }
    }

    private IngestSettings settings(List<IngestSettings.Input> inputs, int heldOut, double share) {
        return new IngestSettings(HostModel.at(Path.of(model)), inputs, EncoderSettings.of(model, 128, OverLength.QUARANTINE),
                share, heldOut, 42);
    }

    private List<TokenizedRow> tokens(String from) {
        return spark.read().parquet(folder.resolve(from).resolve("tokens").toString()).collectAsList().stream()
                .map(TokenizedRow::of)
                .sorted(Comparator.comparingLong(TokenizedRow::position)).toList();
    }

    private static long quarantined(IngestReport report) {
        return report.quarantined().values().stream().mapToLong(Long::longValue).sum();
    }

    private Path write(String text) throws IOException {
        return Files.writeString(Files.createTempFile(folder, "conversations", ".jsonl"), text);
    }

    private static IngestSettings.Input input(Path file) {
        return new IngestSettings.Input(file.toString(), ConversationFormat.SHAREGPT, 0);
    }

    private static String turn(Object what, Object answer) {
        return String.format(Locale.ROOT, TURN, what, answer);
    }

    private static String lines(int count) {
        StringBuilder out = new StringBuilder();
        for (int i = 0; i < count; i++) {
            out.append("{\"id\":\"c").append(i).append("\",\"conversations\":[").append(turn(i, i)).append("]}\n");
        }
        return out.toString();
    }
}
