package dev.aerie.gang;

import dev.aerie.errors.RefusalException;
import java.io.IOException;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.IntStream;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkContext;
import org.apache.spark.api.java.JavaFutureAction;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.rdd.RDD;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import scala.reflect.ClassTag;

/**
 * Runs ranks together as the tasks of a Spark barrier stage, and runs them again when one fails.
 *
 * <p>Spark aborts the job as soon as one task of such a stage fails, so the driver counts attempts here: a failed attempt is
 * repeated on the executors that then exist, until {@link GangSettings#maxAttempts} is reached or two attempts in a row make no
 * progress.
 */
public final class Gang {

    private static final Logger LOG = LoggerFactory.getLogger(Gang.class);

    /** How long the driver waits for the ranks' failure reports after Spark has reported a failed task. */
    private static final Duration LAST_WORDS = Duration.ofSeconds(1);
    private static final Duration CANCELLATION = Duration.ofMinutes(2);
    private static final int IDLE_ATTEMPTS = 2;

    private Gang() {}

    /**
     * @param name description of the gang, for Spark's job list and messages
     * @param codec of the ranks' reports
     * @return the results of the ranks, in order
     * @throws RefusalException if a rank refuses the user's settings, or a Spark setting could make the gang hang
     * @throws GangException if the attempts are used up or make no progress
     */
    public static <M, R extends Serializable> List<R> run(SparkContext context, String name, GangSettings settings,
            ReportCodec<M> codec, RankBody<M, R> body, GangObserver<M> observer) {
        GangConf.check(context);
        long reached = observer.progress();
        int idle = 0;
        for (int attempt = 1; ; attempt++) {
            try {
                return attempt(context, name, settings, attempt, codec, body, observer);
            } catch (AttemptException e) {
                if (e.kind == RankFailure.Kind.REFUSED) {
                    throw new RefusalException(e.getMessage(), e);
                }
                long now = observer.progress();
                idle = now > reached ? 0 : idle + 1;
                reached = now;
                String end = context.isStopped() ? "Spark has stopped"
                        : attempt == settings.maxAttempts() ? "all " + attempt + " attempts are used up"
                        : idle == IDLE_ATTEMPTS ? IDLE_ATTEMPTS + " attempts in a row made no progress beyond step " + now
                        : null;
                if (end != null) {
                    throw new GangException(name + " failed: " + end + ". " + e.getMessage(), e.kind == RankFailure.Kind.DEFECT,
                            e);
                }
                LOG.warn("Attempt {} of {} failed at progress {}: {}", attempt, settings.maxAttempts(), now, e.getMessage());
                observer.retrying(attempt + 1, e.getMessage());
                sleep(settings.pauseAfter(attempt), name, e);
            }
        }
    }

    private static final class AttemptException extends Exception {
        final RankFailure.Kind kind;

        AttemptException(String message, RankFailure.Kind kind, Throwable cause) {
            super(message, cause);
            this.kind = kind;
        }
    }

    private static <M, R extends Serializable> List<R> attempt(SparkContext context, String name, GangSettings settings,
            int attempt, ReportCodec<M> codec, RankBody<M, R> body, GangObserver<M> observer) throws AttemptException {
        JavaSparkContext spark = JavaSparkContext.fromSparkContext(context);
        String group = "aerie-gang-" + UUID.randomUUID();
        SparkConf conf = context.getConf();
        String host = conf.get("spark.driver.host");
        try (DriverReports<M> reports = new DriverReports<>(
                conf.get("spark.driver.bindAddress", host), host, GangConf.driverPorts(conf), codec, observer)) {
            // Interrupt on cancel: Spark reads this when it kills the ranks that outlive a failed one.
            spark.setJobGroup(group, name + ", attempt " + attempt, true);
            ClassTag<R> tag = ClassTag.apply(Serializable.class);
            List<Integer> ranks = IntStream.range(0, settings.ranks()).boxed().toList();
            RDD<R> stage = spark.parallelize(ranks, settings.ranks()).rdd().barrier()
                    .mapPartitions(new GangTask<>(settings, GangConf.rankPorts(conf), reports.address(), codec, body), false,
                            tag);
            return await(JavaRDD.fromRDD(stage, tag).collectAsync(), spark, group, settings, reports);
        } catch (IOException e) {
            throw new UncheckedIOException("The driver cannot listen for its ranks on " + host + ": " + e.getMessage(), e);
        } finally {
            spark.clearJobGroup();
        }
    }

    private static <R> List<R> await(JavaFutureAction<List<R>> job, JavaSparkContext spark, String group, GangSettings settings,
            DriverReports<?> reports) throws AttemptException {
        String cancelled = null;
        Deadline end = null;
        while (true) {
            try {
                return job.get(1, TimeUnit.SECONDS);
            } catch (TimeoutException stillRunning) {
                if (cancelled == null && reports.silence().compareTo(settings.silence()) > 0) {
                    cancelled = "no rank reported anything for " + settings.silence().toSeconds() + " s";
                    end = Deadline.in(CANCELLATION);
                    spark.cancelJobGroup(group, cancelled);
                } else if (end != null && end.passed()) {
                    throw new AttemptException(cancelled + ", and Spark did not end the stage within " + end,
                            RankFailure.Kind.FAILED, null);
                }
            } catch (InterruptedException e) {
                spark.cancelJobGroup(group, "the driver was interrupted");
                Thread.currentThread().interrupt();
                throw new GangException("The driver was interrupted", e);
            } catch (ExecutionException e) {
                throw failure(cancelled, e, reports);
            }
        }
    }

    private static AttemptException failure(String cancelled, ExecutionException e, DriverReports<?> reports) {
        if (cancelled != null) {
            return new AttemptException(cancelled, RankFailure.Kind.FAILED, e);
        }
        sleepQuietly(LAST_WORDS);
        return reports.failure()
                // Ranks that were only told to end do not know the cause. Spark does, for instance that an executor's heartbeat
                // timed out.
                .filter(f -> f.kind() != RankFailure.Kind.KILLED)
                .map(f -> new AttemptException(f.getMessage(), f.kind(), e))
                .orElseGet(() -> new AttemptException(RingLinks.reason(e.getCause()), RankFailure.Kind.FAILED, e));
    }

    private static void sleep(Duration pause, String name, Exception cause) {
        if (!sleepQuietly(pause)) {
            throw new GangException(name + " failed: the driver was interrupted. " + cause.getMessage(), cause);
        }
    }

    private static boolean sleepQuietly(Duration pause) {
        try {
            Thread.sleep(pause.toMillis());
            return true;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }
}
