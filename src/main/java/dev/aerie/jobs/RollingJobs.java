package dev.aerie.jobs;

import static dev.aerie.jobs.RecipeKeys.STORE_MAX_BYTES;
import static dev.aerie.jobs.RecipeKeys.STORE_PATH;
import static dev.aerie.jobs.RecipeKeys.STORE_ROLLING_WAIT_MINUTES;
import static dev.aerie.jobs.RecipeKeys.TRAIN_EPOCHS;
import static dev.aerie.jobs.RecipeKeys.TRAIN_RANKS;

import dev.aerie.errors.RefusalException;
import dev.aerie.gang.GangSettings;
import dev.aerie.prepare.Capture;
import dev.aerie.prepare.RollingCapture;
import dev.aerie.store.HiddenStateStore;
import dev.aerie.store.RollingStore;
import dev.aerie.store.RollingUse;
import dev.aerie.store.StorePlan;
import dev.aerie.train.StoreInputs;
import dev.aerie.train.TrainSettings;
import dev.aerie.train.TrainedDraft;
import dev.aerie.train.Training;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.SparkSession;

/**
 * Runs a capture and a training over a rolling store: in two applications, or in one, side by side where there are tasks' slots
 * for both, else in turn.
 */
final class RollingJobs {

    private static final Duration ENDING = Duration.ofMinutes(2);

    private RollingJobs() {}

    static long budget(Recipe recipe) {
        return STORE_MAX_BYTES.of(recipe).orElseThrow(() -> new RefusalException(
                "Missing store.max_bytes (expected the budget of a rolling store, because store.rolling is true)"));
    }

    static Duration patience(Recipe recipe) {
        return Duration.ofMinutes(STORE_ROLLING_WAIT_MINUTES.of(recipe));
    }

    /** Makes shards for a training that is another application. */
    static void prepare(Recipe recipe, SparkSession spark, Capture capture) throws IOException {
        Configuration conf = spark.sparkContext().hadoopConfiguration();
        String folder = STORE_PATH.of(recipe);
        RollingCapture rolling = new RollingCapture(capture, budget(recipe), RollingCapture.slots(spark), System.out);
        if (rolling.fits()) {
            // The budget takes all of it.
            capture.resume().orElseThrow();
            return;
        }
        StorePlan plan = RollingCapture.plan(spark, HiddenStateStore.openPartial(folder, conf), null);
        List<Integer> train = plan.shards().stream().filter(s -> s.train().length > 0).map(StorePlan.Shard::shard).toList();
        List<Integer> heldOut = plan.shards().stream().filter(StorePlan.Shard::heldOut).map(StorePlan.Shard::shard).toList();
        RollingUse use = RollingStore.at(folder, conf).begin(RollingUse.of(null, train, heldOut, 1));
        rolling.requireBudget(use, 2);
        System.out.println("prepare: rolling, within " + budget(recipe) + " bytes; shards are evicted as a training uses them");
        rolling.run(patience(recipe));
    }

    /**
     * Trains on a rolling store.
     *
     * @param capture makes its shards; null if another application does
     * @param inTurn whether the ranks end while shards are made
     */
    static TrainedDraft train(Recipe recipe, SparkSession spark, GangSettings gang, TrainSettings settings, StoreInputs inputs,
            String output, Capture capture, boolean inTurn) throws IOException {
        Configuration conf = spark.sparkContext().hadoopConfiguration();
        RollingUse use = inputs.use(TRAIN_EPOCHS.of(recipe));
        RollingStore store = RollingStore.at(STORE_PATH.of(recipe), conf);
        if (capture == null) {
            store.take(use);
            return Training.run(spark.sparkContext(), gang, settings, inputs, output, System.out);
        }
        int slots = RollingCapture.slots(spark);
        RollingCapture rolling = new RollingCapture(capture, budget(recipe),
                Math.max(1, inTurn ? slots : slots - TRAIN_RANKS.of(recipe)), System.out);
        rolling.requireBudget(use, inputs.shardsOfAStep(settings));
        store.take(use);
        System.out.println("train: rolling, within " + budget(recipe) + " bytes; shards are made "
                + (inTurn ? "in turn with the training" : "beside the training"));
        if (inTurn) {
            rolling.fill();
            TrainedDraft trained = Training.run(spark.sparkContext(), gang, settings, inputs, output, System.out, () -> {
                if (!rolling.fill()) {
                    throw new IOException("No shard that the training waits for fits the budget of " + store.uri()
                            + " (expected no other files among its shards; aerie vacuum deletes those of attempts that ended)");
                }
            });
            rolling.end();
            return trained;
        }
        return beside(spark, gang, settings, inputs, output, rolling, patience(recipe));
    }

    /**
     * Whether there are too few slots for the ranks and a task that makes shards. In one JVM they would share libtorch's threads,
     * whose number decides the last bits of what both compute.
     */
    static boolean inTurn(Recipe recipe, SparkSession spark) {
        return spark.sparkContext().isLocal() || RollingCapture.slots(spark) <= TRAIN_RANKS.of(recipe);
    }

    private static TrainedDraft beside(SparkSession spark, GangSettings gang, TrainSettings settings, StoreInputs inputs,
            String output, RollingCapture rolling, Duration patience) throws IOException {
        Thread trainer = Thread.currentThread();
        AtomicReference<Throwable> failure = new AtomicReference<>();
        Thread maker = new Thread(() -> {
            try {
                rolling.run(patience);
            } catch (IOException | RuntimeException | Error e) {
                // Without it the ranks would wait in vain.
                if (!Thread.currentThread().isInterrupted() && failure.compareAndSet(null, e)) {
                    trainer.interrupt();
                }
            }
        }, "aerie-rolling-capture");
        maker.setDaemon(true);
        maker.start();
        TrainedDraft draft;
        try {
            draft = Training.run(spark.sparkContext(), gang, settings, inputs, output, System.out);
        } catch (IOException | RuntimeException e) {
            stop(maker, false);
            if (failure.get() == null) {
                throw e;
            }
            failure.get().addSuppressed(e);
            throw cause(failure.get());
        }
        stop(maker, true);
        if (failure.get() != null) {
            throw cause(failure.get());
        }
        return draft;
    }

    private static RuntimeException cause(Throwable captureFailure) {
        // The interrupt was this failure's sign.
        Thread.interrupted();
        if (captureFailure instanceof IOException io) {
            throw new UncheckedIOException("Shards could not be made: " + io.getMessage(), io);
        }
        if (captureFailure instanceof Error error) {
            throw error;
        }
        return (RuntimeException) captureFailure;
    }

    /** Lets the thread see that the training is at its end; after a failure, ends it. */
    private static void stop(Thread maker, boolean trained) {
        try {
            if (trained) {
                maker.join(ENDING.toMillis());
            }
            maker.interrupt();
            maker.join(ENDING.toMillis());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
