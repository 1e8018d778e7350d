package dev.aerie.bench.kills;

import java.io.File;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** A driver in a JVM of its own, with a cluster inside it and executors that are its children. */
public final class Driver implements AutoCloseable {

    private static final String EXECUTOR_CLASS = "CoarseGrainedExecutorBackend";
    /** What lets Spark into the JDK, and the log's settings; no limits of memory, no agents. */
    private static final List<String> PASSED_ON = List.of("--add-", "--enable-native", "--sun-misc", "-Dio.netty",
            "-XX:+Ignore", "-Dlog4j2");
    private static final int MEMORY_MB = 768;
    private static final long AWAITED_SECONDS = 600;

    private final Process process;
    private final long started = System.nanoTime();
    private final Set<ProcessHandle> children = new HashSet<>();

    private Driver(Process process) {
        this.process = process;
    }

    /**
     * Starts one with the options and the class path of this JVM.
     *
     * @param command main class and arguments
     * @param folder for what Spark writes
     * @param more Spark's settings besides those of the cluster
     */
    public static Driver start(int executors, List<String> command, Path folder, File log, Map<String, String> more)
            throws IOException {
        // Executors have folders of their own.
        String classPath = Stream.of(System.getProperty("java.class.path").split(File.pathSeparator))
                .map(entry -> new File(entry).getAbsolutePath())
                .collect(Collectors.joining(File.pathSeparator));
        List<String> line = new ArrayList<>(List.of(ProcessHandle.current().info().command().orElse("java")));
        line.addAll(ownOptions());
        Map<String, String> settings = Map.ofEntries(
                Map.entry("spark.master", "local-cluster[" + executors + ",1," + MEMORY_MB + "]"),
                Map.entry("spark.executor.memory", MEMORY_MB + "m"),
                Map.entry("spark.executor.extraClassPath", classPath),
                Map.entry("spark.executorEnv.OMP_NUM_THREADS", "1"),
                Map.entry("spark.driver.host", "127.0.0.1"),
                Map.entry("spark.driver.bindAddress", "127.0.0.1"),
                Map.entry("spark.ui.enabled", "false"),
                Map.entry("spark.local.dir", folder.resolve("local").toString()),
                Map.entry("spark.sql.warehouse.dir", folder.resolve("warehouse").toUri().toString()),
                Map.entry("spark.sql.shuffle.partitions", "2"),
                // A cluster starts executors again for as long as they are asked for; the default gives up after ten failures.
                Map.entry("spark.deploy.maxExecutorRetries", "-1"));
        settings.forEach((key, value) -> line.add("-D" + key + "=" + value));
        more.forEach((key, value) -> line.add("-D" + key + "=" + value));
        line.addAll(List.of("-Xmx1g", "-cp", classPath));
        line.addAll(command);
        ProcessBuilder builder = new ProcessBuilder(line).redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(log));
        builder.environment().put("SPARK_LOCAL_IP", "127.0.0.1");
        builder.environment().put("OMP_WAIT_POLICY", "PASSIVE");
        builder.environment().put("OMP_NUM_THREADS", "1");
        // Workers start executors in the folder "work" of a Spark home.
        Path home = Files.createDirectories(folder.resolve("spark-home"));
        Files.createDirectories(home.resolve("jars"));
        builder.environment().put("SPARK_HOME", home.toString());
        Driver driver = new Driver(builder.start());
        // Nor does it outlive a JVM that is stopped before it.
        Runtime.getRuntime().addShutdownHook(new Thread(driver::close));
        return driver;
    }

    private static List<String> ownOptions() {
        return ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                .filter(option -> PASSED_ON.stream().anyMatch(option::startsWith))
                .toList();
    }

    public boolean alive() {
        return process.isAlive();
    }

    double seconds() {
        return (System.nanoTime() - started) / 1e9;
    }

    public List<ProcessHandle> executors() {
        List<ProcessHandle> found = process.descendants().filter(child -> commandLine(child).contains(EXECUTOR_CLASS)).toList();
        children.addAll(found);
        return found;
    }

    /** As {@code kill -9} does. */
    public void kill() throws InterruptedException {
        executors();
        process.destroyForcibly();
        process.waitFor();
    }

    public int await() throws InterruptedException {
        if (!process.waitFor(AWAITED_SECONDS, TimeUnit.SECONDS)) {
            throw new IllegalStateException("the driver did not end within " + AWAITED_SECONDS + " s");
        }
        return process.exitValue();
    }

    /** Executors of a killed driver may live on for a while, and write; at the end nobody needs them any more. */
    @Override
    public void close() {
        executors();
        process.destroyForcibly();
        children.forEach(ProcessHandle::destroyForcibly);
    }

    /** ProcessHandle cuts a command line at 4,096 characters, and the class path comes first in it. */
    private static String commandLine(ProcessHandle process) {
        try {
            return Files.readString(Path.of("/proc", Long.toString(process.pid()), "cmdline"), StandardCharsets.ISO_8859_1);
        } catch (IOException ended) {
            return process.info().commandLine().orElse("");
        }
    }
}
