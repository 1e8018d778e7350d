package dev.aerie.evaluate;

import dev.aerie.errors.RefusalException;
import dev.aerie.spark.RunningTasks;
import dev.aerie.spark.SharedModels;
import dev.aerie.spark.TaskDevice;
import dev.aerie.target.Target;
import dev.aerie.torch.LibTorch;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.IntConsumer;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.JavaFutureAction;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.api.java.function.FlatMapFunction;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.util.LongAccumulator;
import org.apache.spark.util.SerializableConfiguration;

/** Evaluates a draft on Spark: prompts are distributed over tasks, and each executor loads the models once. */
public final class Evaluation {

    private static final int MOST_TASKS = 2000;
    private static final long PROGRESS_SECONDS = 2;

    private Evaluation() {}

    /**
     * @param bigrams a baseline; null for none
     * @param progress called now and then with the number of prompts done
     * @throws RefusalException if there are no prompts, or the target's folder is wrong
     */
    public static AcceptanceReport run(JavaSparkContext spark, EvaluateSettings settings, List<Prompt> prompts,
            BigramTable bigrams, IntConsumer progress) throws IOException {
        if (prompts.isEmpty()) {
            throw new RefusalException("Invalid prompts: none (expected at least one)");
        }
        Target.check(settings.target().model().folder(spark.hadoopConfiguration()));
        LongAccumulator done = spark.sc().longAccumulator("prompts evaluated");
        Broadcast<BigramTable> table = bigrams == null ? null : spark.broadcast(bigrams);
        EvaluatePrompts task = new EvaluatePrompts(
                settings, new SerializableConfiguration(spark.hadoopConfiguration()), table, done);
        try {
            List<PromptResult> results =
                    new ArrayList<>(RunningTasks.awaiting(spark.sc(), prompts.size() + " prompts", () -> await(
                    spark.parallelize(prompts, Math.min(prompts.size(), MOST_TASKS)).mapPartitions(task).collectAsync(),
                    done, progress)));
            results.sort(Comparator.comparingInt(PromptResult::prompt));
            return new AcceptanceReport(settings, results);
        } finally {
            // In local mode the driver's JVM continues with other work.
            LoadedModels.release();
        }
    }

    private static List<PromptResult> await(
            JavaFutureAction<List<PromptResult>> action, LongAccumulator done, IntConsumer progress) {
        while (true) {
            try {
                List<PromptResult> results = action.get(PROGRESS_SECONDS, TimeUnit.SECONDS);
                progress.accept(results.size());
                return results;
            } catch (TimeoutException e) {
                progress.accept(done.value().intValue());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IllegalStateException("The evaluation was interrupted", e);
            } catch (ExecutionException e) {
                throw new IllegalStateException("The evaluation failed: " + e.getCause().getMessage(), e.getCause());
            }
        }
    }

    /** The work of one task. */
    private record EvaluatePrompts(EvaluateSettings settings, SerializableConfiguration conf, Broadcast<BigramTable> bigrams,
            LongAccumulator done) implements FlatMapFunction<Iterator<Prompt>, PromptResult> {

        @Override
        public Iterator<PromptResult> call(Iterator<Prompt> prompts) throws Exception {
            LibTorch.setThreads(settings.resources().threadsOr(TaskContext.get().cpus()));
            List<PromptResult> out = new ArrayList<>();
            try (SharedModels.Lease<LoadedModels> lease = LoadedModels.lease(
                    settings, TaskDevice.of(TaskContext.get(), settings.resources().device()), conf.value())) {
                LoadedModels models = lease.model();
                PromptEvaluator evaluator = models.evaluator(settings, bigrams == null ? null : bigrams.value());
                while (prompts.hasNext()) {
                    Prompt prompt = prompts.next();
                    if (models.isCold()) {
                        evaluator.warmUp(prompt);
                    }
                    out.add(evaluator.evaluate(prompt));
                    done.add(1);
                }
            }
            return out.iterator();
        }
    }
}
