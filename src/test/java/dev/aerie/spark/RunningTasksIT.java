package dev.aerie.spark;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.aerie.testing.LocalSpark;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.spark.SparkContext;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.Encoders;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A job that fails returns to the driver while its other tasks still run; whatever starts it, they have ended afterwards. */
@Timeout(120)
class RunningTasksIT {

    private static final AtomicInteger RUNNING = new AtomicInteger();
    private static final AtomicInteger STARTED = new AtomicInteger();

    @TempDir
    Path folder;

    private final SparkContext context = LocalSpark.session().sparkContext();

    @BeforeEach
    @AfterEach
    void nothingRuns() {
        assertEquals(0, RUNNING.get());
        STARTED.set(0);
    }

    /** One number fails when another has begun, which does not heed that it is cancelled. */
    private static Integer work(int number) throws Exception {
        if (number == 0) {
            for (int i = 0; i < 1000 && STARTED.get() == 0; i++) {
                Thread.sleep(10);
            }
            throw new IllegalStateException("the failure");
        }
        RUNNING.incrementAndGet();
        STARTED.incrementAndGet();
        try {
            long end = System.nanoTime() + 2_000_000_000L;
            while (System.nanoTime() < end) {
                Thread.onSpinWait();
            }
        } finally {
            RUNNING.decrementAndGet();
        }
        return TaskContext.getPartitionId();
    }

    private JavaRDD<Integer> numbers() {
        return JavaSparkContext.fromSparkContext(context).parallelize(List.of(0, 1), 2).map(RunningTasksIT::work);
    }

    private void assertEnded(Class<? extends Exception> failure, RunningTasks.Jobs<Object, Exception> jobs) {
        assertThrows(failure, () -> RunningTasks.awaiting(context, "a test", jobs));
        assertEquals(1, STARTED.get());
        assertEquals(0, RUNNING.get(), "tasks that run on");
        assertTrue(context.getLocalProperty("spark.jobGroup.id") == null);
    }

    @Test
    void ofAnAction() {
        assertEnded(Exception.class, () -> numbers().collect());
    }

    @Test
    void ofATableThatIsWritten() {
        assertEnded(Exception.class, () -> {
            LocalSpark.session().createDataset(numbers().rdd(), Encoders.INT()).write()
                    .parquet(folder.resolve("table").toString());
            return null;
        });
    }

    @Test
    void ofAnActionThatIsAwaitedLater() {
        assertEnded(ExecutionException.class, () -> numbers().collectAsync().get());
    }

    /** The driver itself may fail, or be interrupted, while its job runs. */
    @Test
    void ofADriverThatFails() {
        assertEnded(IllegalArgumentException.class, () -> {
            JavaSparkContext.fromSparkContext(context).parallelize(List.of(1), 1).map(RunningTasksIT::work).collectAsync();
            while (STARTED.get() == 0) {
                Thread.sleep(10);
            }
            throw new IllegalArgumentException("the driver's own");
        });
    }

    @Test
    void whatSucceedsIsGivenBackAtOnce() throws Exception {
        assertEquals(List.of(0),
                RunningTasks.awaiting(context, "a test", () -> JavaSparkContext.fromSparkContext(context)
                        .parallelize(List.of(1), 1).map(RunningTasksIT::work).collect()));
    }
}
