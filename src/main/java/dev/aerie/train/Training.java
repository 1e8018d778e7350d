package dev.aerie.train;

import dev.aerie.files.Folder;
import dev.aerie.gang.Gang;
import dev.aerie.gang.GangSettings;
import dev.aerie.gang.RankBody;
import dev.aerie.gang.RankContext;
import dev.aerie.errors.RefusalException;
import dev.aerie.prepare.Capture;
import dev.aerie.spark.TaskDevice;
import dev.aerie.spark.TaskScratch;
import dev.aerie.spark.TaskThreads;
import dev.aerie.torch.Device;
import dev.aerie.torch.LibTorch;
import dev.aerie.torch.Optimizer;
import java.io.IOException;
import java.io.PrintStream;
import java.util.Map;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.SparkContext;
import org.apache.spark.TaskContext;
import org.apache.spark.util.SerializableConfiguration;

/**
 * Trains a draft on a gang of ranks, from its newest checkpoint if there is one; resumes from the newest one when a rank fails.
 *
 * <p>An output belongs to one training: a checkpoint in it must have the same inputs and settings.
 */
public final class Training {

    private Training() {}

    /**
     * @param gang the number of ranks and the limits on their failures
     * @param output folder on any Hadoop file system for checkpoints and metrics, in the format of docs/training.md
     * @param console receives progress messages for the user
     * @return the finished draft
     * @throws RefusalException if the inputs cannot be trained on, or the output holds another training
     * @throws dev.aerie.gang.GangException if the ranks failed too often; another run resumes from the newest checkpoint
     */
    public static TrainedDraft run(SparkContext context, GangSettings gang, TrainSettings settings, TrainingInputs inputs,
            String output, PrintStream console) throws IOException {
        return run(context, gang, settings, inputs, output, console, () -> {
            throw new IllegalStateException("Ranks ended to let shards be made");
        });
    }

    /** Makes shards of a rolling store while no rank runs, see {@link RollingTraining#inTurn}. */
    @FunctionalInterface
    public interface Pause {
        void makeShards() throws IOException;
    }

    /**
     * As {@link #run(SparkContext, GangSettings, TrainSettings, TrainingInputs, String, PrintStream)}.
     *
     * @param pause called whenever the ranks have ended for a shard that is missing
     */
    public static TrainedDraft run(SparkContext context, GangSettings gang, TrainSettings settings, TrainingInputs inputs,
            String output, PrintStream console, Pause pause) throws IOException {
        Configuration conf = context.hadoopConfiguration();
        Folder folder = Folder.at(output, conf);
        Checkpoints checkpoints = new Checkpoints(folder);
        Map<String, String> recipe = recipe(settings, inputs);
        long done = checkpoints.latestStep();
        if (done > 0) {
            checkpoints.read(done).requireSame(recipe, folder + " at step " + done);
        }
        inputs.check(settings.mode(), settings.corruptChunks(), conf);
        SerializableConfiguration hadoop = new SerializableConfiguration(conf);
        String where = folder.toString();
        RankBody<TrainingReport, RankLoop.End> body = rank -> train(rank, settings, inputs, recipe, where, hadoop.value());
        TrainingObserver observer = new TrainingObserver(console, checkpoints, gang.ranks());
        while (!Gang.run(context, "Training", gang, new TrainingReport.Json(), body, observer).get(0).finished()) {
            pause.makeShards();
        }
        return TrainedDraft.open(output, conf);
    }

    /**
     * Returns what a checkpoint must agree with; settings that change only speed, safety or rounding may differ. AdamW's
     * constants have no recipe keys.
     */
    static Map<String, String> recipe(TrainSettings s, TrainingInputs inputs) {
        Map<String, String> recipe = new TreeMap<>(inputs.fingerprints());
        recipe.putAll(s.agreement());
        Optimizer.AdamW adamW = s.optimization().adamW();
        recipe.put("train.adam", adamW.beta1() + ", " + adamW.beta2() + ", " + adamW.eps());
        return recipe;
    }

    private static RankLoop.End train(RankContext<TrainingReport> rank, TrainSettings settings, TrainingInputs inputs,
            Map<String, String> recipe, String output, Configuration conf) throws Exception {
        int threads = settings.resources().threadsOr(TaskThreads.of(TaskContext.get(), rank.size()));
        LibTorch.setThreads(threads);
        Device device = TaskDevice.of(TaskContext.get(), settings.resources().device());
        // An executor that has made shards of a rolling store still holds the target.
        Capture.releaseTarget();
        try (TrainingInputs.Opened opened = inputs.open(device, RankLoop.compute(settings, device), conf)) {
            return new RankLoop(rank.collective(), device, threads, settings, opened, recipe,
                    Folder.at(output, conf), TaskScratch.folder(), observer(rank)).run();
        }
    }

    /** Reports the progress of every rank; one rank reports the metrics, which are the same on all. */
    private static RankLoop.Observer observer(RankContext<TrainingReport> rank) {
        return new RankLoop.Observer() {
            @Override
            public void begins(long step) {
                rank.step(step);
            }

            @Override
            public void done(StepMetrics metrics) {
                if (rank.rank() == 0) {
                    rank.report(new TrainingReport.StepDone(metrics));
                }
            }

            @Override
            public void skipped(String why) {
                rank.report(new TrainingReport.Note("left out a conversation: " + why));
            }

            @Override
            public void note(String text) {
                if (rank.rank() == 0) {
                    rank.report(new TrainingReport.Note(text));
                }
            }
        };
    }
}
