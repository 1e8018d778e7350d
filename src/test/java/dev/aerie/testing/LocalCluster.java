package dev.aerie.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import org.apache.spark.sql.SparkSession;

/**
 * A Spark cluster of two executors, each its own JVM with one core and one pretend GPU, shared by all tests of this JVM.
 *
 * <p>The executors run on the test's class path, so a lambda of a test runs there as it is, and DJL has one class loader. An
 * executor that dies is replaced by the cluster, as often as it takes. Run one such test with
 * {@code mvn -o -q -B test -Dtest=SomeIT}; all of them run, after the units, in {@code mvn verify}.
 *
 * <p>A JVM holds one SparkContext: asking for this session stops that of {@link LocalSpark}, and the other way round. It takes
 * about eight seconds to start, so a test of Spark code that needs no second JVM is better off with {@link LocalSpark}.
 */
public final class LocalCluster {

    public static final int EXECUTORS = 2;

    private static final int MEMORY_MB = 1024;
    private static final String EXECUTOR_CLASS = "CoarseGrainedExecutorBackend";

    private LocalCluster() {}

    /** The shared session, started by the first call. Do not stop it. */
    public static synchronized SparkSession session() {
        return TestSpark.session("local-cluster[" + EXECUTORS + ",1," + MEMORY_MB + "]", builder -> builder
                .config("spark.executor.memory", MEMORY_MB + "m")
                .config("spark.executor.extraClassPath", System.getProperty("java.class.path"))
                .config("spark.executorEnv.OMP_WAIT_POLICY", "PASSIVE")
                .config("spark.executorEnv.OMP_NUM_THREADS", "1")
                .config("spark.worker.resource.gpu.amount", "1")
                .config("spark.worker.resource.gpu.discoveryScript", pretendGpus().toString())
                .config("spark.executor.resource.gpu.amount", "1")
                .config("spark.task.resource.gpu.amount", "1")
                // Tests kill executors; by default an application is aborted after ten failures in a row.
                .config("spark.deploy.maxExecutorRetries", "-1")
                .config("spark.scheduler.minRegisteredResourcesRatio", "1.0")
                .config("spark.scheduler.maxRegisteredResourcesWaitingTime", "60s")
                .config("spark.scheduler.barrier.maxConcurrentTasksCheck.interval", "1s")
                .config("spark.barrier.sync.timeout", "60s")
                .config("spark.task.reaper.enabled", "true")
                .config("spark.task.reaper.killTimeout", "20s"));
    }

    /** The JVMs of the executors that are alive now; to kill one, {@link ProcessHandle#destroyForcibly}. */
    public static List<ProcessHandle> executors() {
        return ProcessHandle.current().descendants()
                .filter(process -> commandLine(process).contains(EXECUTOR_CLASS))
                .toList();
    }

    /** Waits until {@link #EXECUTORS} of them are alive, at most a minute. */
    public static void awaitExecutors() throws InterruptedException {
        long deadline = System.nanoTime() + Duration.ofSeconds(60).toNanos();
        while (executors().size() < EXECUTORS) {
            if (System.nanoTime() > deadline) {
                throw new AssertionError("expected " + EXECUTORS + " executors after a minute, have " + executors().size());
            }
            Thread.sleep(100);
        }
    }

    /** ProcessHandle cuts a command line at 4,096 characters, and the class path comes first in it. */
    private static String commandLine(ProcessHandle process) {
        try {
            Path file = Path.of("/proc", Long.toString(process.pid()), "cmdline");
            return Files.exists(file)
                    ? Files.readString(file, StandardCharsets.ISO_8859_1)
                    : process.info().commandLine().orElse("");
        } catch (IOException ended) {
            return "";
        }
    }

    /** Every Worker calls the same script: each call claims the next address, as no two GPUs of a cluster node are the same. */
    private static Path pretendGpus() {
        try {
            Path folder = Files.createTempDirectory(Files.createDirectories(Path.of("target").toAbsolutePath()), "pretend-gpus");
            Path script = folder.resolve("discover.sh");
            Files.writeString(script, String.format(Locale.ROOT, """
                    #!/bin/sh
                    i=0
                    until mkdir "%s/$i" 2>/dev/null; do i=$((i+1)); [ $i -gt 64 ] && exit 1; done
                    printf '{"name": "gpu", "addresses": ["%%s"]}\\n' $i
                    """, folder));
            Files.setPosixFilePermissions(script, PosixFilePermissions.fromString("rwx------"));
            return script;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
