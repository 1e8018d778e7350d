package dev.aerie.jobs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.aerie.bench.kills.Driver;
import dev.aerie.testing.ForeignReaders;
import dev.aerie.testing.LocalSpark;
import dev.aerie.testing.RemoteFiles;
import dev.aerie.testing.TinyProject;
import java.io.ByteArrayOutputStream;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.PrintStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a store is for: written on S3 by a cluster that dies twice, converted, verified, trained from and read by others. */
@Timeout(900)
class StoreEverywhereIT {

    private static final int CONVERSATIONS = 24;
    private static final int EXECUTORS = 3;

    private final RemoteFiles s3 = RemoteFiles.S3;
    private final Map<String, String> settings = s3.settings();
    private final Configuration conf = s3.conf();
    private final String there = s3.newFolder();

    @TempDir
    Path folder;

    @Test
    void aStoreOnS3SurvivesDeathsAndIsReadByAll() throws Exception {
        TinyProject project = TinyProject.in(Files.createDirectory(folder.resolve("project")));
        prepareAndDieTwice(project);
        assertSays(" 0 problems", "verify-store", there + "/store");
        assertSays("fp8", "convert-store", there + "/store", there + "/fp8", "--codec", "fp8");
        assertSays(" 0 problems", "verify-store", there + "/fp8");
        session();
        assertEquals(0, Submitted.run(settings, new TrainEagle3(), "--config", project.recipe().toString(), "--verbose",
                "--set", "store.path=" + there + "/fp8", "--set", "train.max_steps=3"));

        ForeignReaders.require();
        SparkSession spark = session();
        for (String store : List.of("/store", "/fp8")) {
            List<String> expected = ForeignReaders.spark(spark, there + store, settings);
            assertEquals(IntStream.range(0, CONVERSATIONS).mapToObj(i -> "sum-" + i).sorted().toList(),
                    expected.stream().map(line -> line.split(" ")[0]).toList(), "nothing is lost or twice");
            for (String reader : List.of(ForeignReaders.PYARROW, ForeignReaders.DUCKDB)) {
                assertEquals(expected, ForeignReaders.python(reader, forPyarrow(there + store), folder), reader);
            }
        }
    }

    /** A job takes over the session that there is, which spark-submit would have given the settings, and stops it. */
    private SparkSession session() {
        SparkSession spark = LocalSpark.session();
        settings.forEach(spark.sparkContext().hadoopConfiguration()::set);
        return spark;
    }

    /** An executor dies while shards are written, then the driver; the next run goes on. */
    private void prepareAndDieTwice(TinyProject project) throws Exception {
        List<String> command = List.of(PrepareHiddenStates.class.getName(), "--config", project.recipe().toString(),
                "--set", "store.path=" + there + "/store", "--set", "store.shard_tokens=60");
        Path log = folder.resolve("log");
        try (Driver driver = start(command, log)) {
            awaitShards(driver, 1, log);
            assertEquals(EXECUTORS, driver.executors().size(), () -> text(log));
            driver.executors().get(0).destroyForcibly();
            awaitShards(driver, shards() + 2, log);
            driver.kill();
        }
        int before = shards();
        try (Driver driver = start(command, log)) {
            assertEquals(0, driver.await(), () -> text(log));
        }
        assertTrue(shards() > before, before + " shards before the driver died, " + shards() + " after it all");
    }

    private Driver start(List<String> command, Path log) throws IOException {
        Map<String, String> spark = new TreeMap<>(Map.of("spark.scheduler.minRegisteredResourcesRatio", "1.0",
                "spark.scheduler.maxRegisteredResourcesWaitingTime", "120s"));
        settings.forEach((key, value) -> spark.put("spark.hadoop." + key, value));
        return Driver.start(EXECUTORS, command, Files.createDirectories(folder.resolve("spark")), log.toFile(), spark);
    }

    private void awaitShards(Driver driver, int count, Path log) throws Exception {
        while (shards() < count) {
            assertTrue(driver.alive(), () -> "ended before it could be killed: " + text(log));
            Thread.sleep(50);
        }
    }

    private int shards() throws IOException {
        org.apache.hadoop.fs.Path markers = new org.apache.hadoop.fs.Path(there, "store/_committed");
        try {
            FileStatus[] found = markers.getFileSystem(conf).listStatus(markers);
            return found.length;
        } catch (FileNotFoundException none) {
            return 0;
        }
    }

    private void assertSays(String part, String... arguments) throws IOException {
        session();
        PrintStream before = System.out;
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        System.setOut(new PrintStream(out, true, StandardCharsets.UTF_8));
        try {
            assertEquals(0, Submitted.run(settings, new Aerie(), arguments), out::toString);
        } finally {
            System.setOut(before);
        }
        assertTrue(out.toString(StandardCharsets.UTF_8).contains(part), out::toString);
    }

    /** pyarrow takes keys and endpoint as parts of a URI. */
    private String forPyarrow(String uri) {
        URI endpoint = URI.create(settings.get("fs.s3a.endpoint"));
        return "s3://" + settings.get("fs.s3a.access.key") + ":" + settings.get("fs.s3a.secret.key") + "@"
                + uri.replaceFirst("^s3a://", "") + "?scheme=http&region=us-east-1&endpoint_override=" + endpoint.getAuthority();
    }

    private static String text(Path log) {
        try {
            List<String> lines = new ArrayList<>(Files.readAllLines(log));
            return String.join("\n", lines.subList(Math.max(0, lines.size() - 40), lines.size()));
        } catch (IOException e) {
            return e.toString();
        }
    }
}
