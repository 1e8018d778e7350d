package dev.aerie.train;

import dev.aerie.draft.LossMode;
import dev.aerie.spark.TaskResources;
import dev.aerie.torch.DTypeChoice;
import dev.aerie.torch.Optimizer;
import java.io.Serializable;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * The settings of a training: the recipe's section {@code train} without the output and the number of ranks. The recipe checks
 * the ranges of single values.
 *
 * @param mode which rows carry loss, and over what a step's loss is averaged
 * @param tttLength steps of training-time test
 * @param dtype compute type; parameters are float32
 * @param corruptChunks what is done at a conversation that has one
 * @param agreement the values that decide what the draft learns, by recipe keys; a checkpoint with others is refused
 */
public record TrainSettings(
        LossMode mode,
        int tttLength,
        Batches batches,
        Optimization optimization,
        Milestones milestones,
        DTypeChoice dtype,
        CorruptChunks corruptChunks,
        TaskResources resources,
        SortedMap<String, String> agreement) implements Serializable {

    /**
     * The batches of a training and their order.
     *
     * @param step size of an optimizer step
     * @param microBatchTokens tokens that a rank runs together; a longer conversation runs alone
     * @param epochs passes over the conversations
     * @param maxSteps ends the run before the epochs do, while the learning-rate schedule still spans them; 0 for no limit
     * @param seed of the initial parameters and of the order of conversations
     */
    public record Batches(BatchSize step, int microBatchTokens, int epochs, long maxSteps, long seed) implements Serializable {}

    /**
     * The optimizer's settings.
     *
     * @param learningRate the peak; see {@link Schedule}
     * @param maxGradNorm largest global gradient norm; larger gradients are scaled down to it
     */
    public record Optimization(double learningRate, double warmupRatio, Schedule schedule, Optimizer.AdamW adamW,
            double maxGradNorm)
            implements Serializable {

        double rate(long step, long total) {
            return learningRate * schedule.factor(step, total, warmupRatio);
        }
    }

    /**
     * Actions that are repeated after a number of steps.
     *
     * @param checkpointSteps steps between checkpoints; the last step always writes one
     * @param keepCheckpoints number of newest checkpoints that are kept
     * @param heldOutSteps steps between held-out measurements, which the last step makes too; 0 for none
     */
    public record Milestones(int checkpointSteps, int keepCheckpoints, int heldOutSteps) implements Serializable {

        /** A value of {@link #heldOutSteps}: no run has this many steps. */
        public static final int LAST_STEP_ONLY = Integer.MAX_VALUE;
    }

    public TrainSettings {
        agreement = new TreeMap<>(agreement);
    }
}
