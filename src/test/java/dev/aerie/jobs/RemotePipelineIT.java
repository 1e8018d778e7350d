package dev.aerie.jobs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.aerie.testing.LocalCluster;
import dev.aerie.testing.LocalSpark;
import dev.aerie.testing.RemoteFiles;
import dev.aerie.testing.TinyProject;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A whole run with everything it reads and writes on another file system, the copies of models excepted. */
@Timeout(600)
class RemotePipelineIT {

    @TempDir
    static java.nio.file.Path folder;

    private static TinyProject project;

    @BeforeAll
    static void prepareOnTheLocalDisk() throws IOException {
        project = TinyProject.in(folder);
        run(new PrepareHiddenStates(), LocalSpark::session, Map.of(), List.of());
    }

    @ParameterizedTest
    @EnumSource
    void makesWhatARunOnTheLocalDiskMakes(RemoteFiles files) throws IOException {
        String there = files.newFolder();
        Configuration conf = files.conf();
        for (String made : List.of("model", "conversations.jsonl", "prompts.jsonl")) {
            Path to = new Path(there, made);
            to.getFileSystem(conf).copyFromLocalFile(new Path(folder.resolve(made).toUri()), to);
        }

        // Separate executors must be given the keys of S3; HDFS has none, and a cluster takes eight seconds to start.
        Supplier<SparkSession> spark = files == RemoteFiles.S3 ? LocalCluster::session : LocalSpark::session;
        List<String> places = sets("target.model=" + there + "/model", "target.cache=" + folder.resolve("cache-" + files),
                "data.inputs=[{path: \"" + there + "/conv*.jsonl\"}]", "store.path=" + there + "/store",
                "train.output=" + there + "/train", "export.output=" + there + "/draft",
                "evaluate.output=" + there + "/evaluate", "evaluate.prompts.path=" + there + "/prompts.jsonl");
        run(new PrepareHiddenStates(), spark, files.settings(), places);
        assertEquals(contents(new Path(folder.resolve("store").toUri()), new Configuration()),
                contents(new Path(there, "store"), conf));

        List<String> part = Stream.concat(places.stream(), sets("train.max_steps=5").stream()).toList();
        run(new TrainEagle3(), LocalSpark::session, files.settings(), part);
        List<String> before = lines(new Path(there, "train/metrics.jsonl"), conf);
        run(new TrainEagle3(), LocalSpark::session, files.settings(), places);
        List<String> after = lines(new Path(there, "train/metrics.jsonl"), conf);
        assertTrue(after.size() > before.size(), before.size() + " steps, then " + after.size());
        assertEquals(before, after.subList(0, before.size()));

        assertSays("is in " + there + "/draft", files, places, "export");
        run(new EvaluateEagle3(), LocalSpark::session, files.settings(), places);
        JsonNode report = new ObjectMapper().readTree(read(new Path(there, "evaluate/acceptance.json"), conf));
        assertEquals(3, report.path("prompts").asInt());
        assertEquals(0, report.path("true_differences").asInt(), report::toString);

        assertSays("are those of " + there + "/store", files, places, "plan");
        assertSays("What is 0 and 3?", files, places, "show-mask");
        assertSays(" 0 problems", files, "verify-store", there + "/store");
        assertSays(there + "/store", files, "inspect", there + "/store");
        assertEquals(List.of(), leftOver(new Path(there), conf));
    }

    private static List<String> sets(String... values) {
        return Arrays.stream(values).flatMap(value -> Stream.of("--set", value)).toList();
    }

    private static void run(Callable<Integer> job, Supplier<SparkSession> spark, Map<String, String> settings,
            List<String> more) throws IOException {
        // The job takes over the session that there is, which spark-submit would have given the settings.
        Configuration hadoop = spark.get().sparkContext().hadoopConfiguration();
        settings.forEach(hadoop::set);
        List<String> arguments = new ArrayList<>(List.of("--config", project.recipe().toString(), "--verbose"));
        arguments.addAll(more);
        assertEquals(0, Submitted.run(settings, job, arguments.toArray(String[]::new)), job.toString());
    }

    private static void assertSays(String part, RemoteFiles files, List<String> more, String command) throws IOException {
        List<String> arguments = new ArrayList<>(List.of(command, "--config", project.recipe().toString()));
        arguments.addAll(more);
        assertSays(part, files, arguments.toArray(String[]::new));
    }

    private static void assertSays(String part, RemoteFiles files, String... arguments) throws IOException {
        PrintStream before = System.out;
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        System.setOut(new PrintStream(out, true, StandardCharsets.UTF_8));
        try {
            assertEquals(0, Submitted.run(files.settings(), new Aerie(), arguments), out::toString);
        } finally {
            System.setOut(before);
        }
        assertTrue(out.toString(StandardCharsets.UTF_8).contains(part), out::toString);
    }

    /** The SHA-256 and length of every shard of a store, by its number; their names hold the attempt. */
    private static SortedMap<String, List<Object>> contents(Path store, Configuration conf) throws IOException {
        SortedMap<String, List<Object>> contents = new TreeMap<>();
        JsonNode manifest = new ObjectMapper().readTree(read(new Path(store, "_manifest.json"), conf));
        for (JsonNode shard : manifest.path("shards")) {
            Path file = new Path(store, "shards/" + shard.path("file").asText());
            contents.put(shard.path("shard").asText(), List.of(shard.path("sha256").asText(), Arrays.hashCode(read(file, conf))));
        }
        assertTrue(contents.size() > 2, contents::toString);
        return contents;
    }

    /** Temporary names of ours and of Spark's that should be gone. */
    private static List<Path> leftOver(Path folder, Configuration conf) throws IOException {
        List<Path> found = new ArrayList<>();
        for (FileStatus status : folder.getFileSystem(conf).listStatus(folder)) {
            Path path = status.getPath();
            // The tests' S3 keeps its objects in folders, and lists one that concurrent deletes have emptied as a prefix.
            if (!folder.getFileSystem(conf).exists(path)) {
                continue;
            }
            if (path.getName().startsWith(".") || path.getName().equals("_temporary")) {
                found.add(path);
            }
            if (status.isDirectory()) {
                found.addAll(leftOver(path, conf));
            }
        }
        return found;
    }

    private static List<String> lines(Path file, Configuration conf) throws IOException {
        return new String(read(file, conf), StandardCharsets.UTF_8).lines().toList();
    }

    private static byte[] read(Path file, Configuration conf) throws IOException {
        try (InputStream in = file.getFileSystem(conf).open(file)) {
            return in.readAllBytes();
        }
    }
}
