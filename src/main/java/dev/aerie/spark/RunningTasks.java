package dev.aerie.spark;

import java.time.Duration;
import java.util.HashSet;
import java.util.Set;
import java.util.UUID;
import org.apache.spark.SparkContext;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerJobEnd;
import org.apache.spark.scheduler.SparkListenerJobStart;
import org.apache.spark.scheduler.SparkListenerTaskEnd;
import org.apache.spark.scheduler.SparkListenerTaskStart;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import scala.jdk.javaapi.CollectionConverters;

/**
 * The running tasks of one job group. A job that fails returns to the driver at once, while others of its tasks still run and
 * write; code that deletes or reads their files has to wait for them.
 */
public final class RunningTasks extends SparkListener implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(RunningTasks.class);

    /** Events reach a listener a few milliseconds late; a job that was not announced after this time has not started. */
    private static final Duration LATE = Duration.ofSeconds(1);
    /** How long cancelled tasks may take to end. */
    private static final Duration ENDING = Duration.ofSeconds(60);

    /** Work of the driver that starts jobs in the calling thread. */
    @FunctionalInterface
    public interface Jobs<T, E extends Exception> {
        T run() throws E;
    }

    private final SparkContext context;
    private final String group;
    private final Set<Integer> jobs = new HashSet<>();
    private final Set<Integer> stages = new HashSet<>();
    private final Set<Long> tasks = new HashSet<>();

    private RunningTasks(SparkContext context, String group) {
        this.context = context;
        this.group = group;
    }

    /**
     * Runs jobs. When one of them fails, the others are cancelled, and the failure is thrown once their tasks have ended, at the
     * latest after a minute, so that their files can then be deleted or written again.
     *
     * @param description of the jobs, for Spark's pages and the log
     */
    public static <T, E extends Exception> T awaiting(SparkContext context, String what, Jobs<T, E> jobs) throws E {
        String group = "aerie-" + UUID.randomUUID();
        context.setJobGroup(group, what, true);
        try (RunningTasks tasks = of(context, group)) {
            boolean succeeded = false;
            try {
                T made = jobs.run();
                succeeded = true;
                return made;
            } finally {
                int left = succeeded ? 0 : tasks.cancelAndAwait(ENDING);
                if (left > 0) {
                    LOG.warn("{}: {} tasks have not ended {} s after they were cancelled and may still write", what, left,
                            ENDING.toSeconds());
                }
            }
        } finally {
            context.clearJobGroup();
        }
    }

    /** Observes the jobs that start in this group from now on, until it is closed. */
    static RunningTasks of(SparkContext context, String group) {
        RunningTasks tasks = new RunningTasks(context, group);
        context.addSparkListener(tasks);
        return tasks;
    }

    @Override
    public synchronized void onJobStart(SparkListenerJobStart event) {
        if (event.properties() != null && group.equals(event.properties().getProperty("spark.jobGroup.id"))) {
            jobs.add(event.jobId());
            CollectionConverters.asJava(event.stageIds()).forEach(stage -> stages.add((Integer) stage));
        }
    }

    @Override
    public synchronized void onTaskStart(SparkListenerTaskStart event) {
        if (stages.contains(event.stageId())) {
            tasks.add(event.taskInfo().taskId());
        }
    }

    @Override
    public synchronized void onTaskEnd(SparkListenerTaskEnd event) {
        tasks.remove(event.taskInfo().taskId());
        notifyAll();
    }

    @Override
    public synchronized void onJobEnd(SparkListenerJobEnd event) {
        jobs.remove(event.jobId());
        notifyAll();
    }

    /**
     * Cancels the jobs of the group and waits until their tasks have ended, even when this thread is interrupted.
     *
     * @return how many tasks still run after the limit; 0 when all have ended
     */
    int cancelAndAwait(Duration limit) {
        context.cancelJobGroup(group);
        long start = System.nanoTime();
        boolean interrupted = false;
        synchronized (this) {
            while (running(System.nanoTime() - start) && System.nanoTime() - start < limit.toNanos()) {
                try {
                    wait(100);
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
            return tasks.size();
        }
    }

    private boolean running(long nanos) {
        return stages.isEmpty() ? nanos < LATE.toNanos() : !jobs.isEmpty() || !tasks.isEmpty();
    }

    @Override
    public void close() {
        context.removeSparkListener(this);
    }
}
