package dev.aerie.train;

import dev.aerie.draft.LossMode;
import dev.aerie.spark.TaskResources;
import dev.aerie.torch.DTypeChoice;
import dev.aerie.torch.Optimizer;
import java.io.Serializable;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * How a draft is trained: the recipe's section {@code train}, apart from where and on how many ranks. Ranges of single values are
 * the recipe's business.
 *
 * @param mode which rows carry loss, and what a step's loss is the mean of
 * @param tttLength steps of training-time test
 * @param dtype of the arithmetic, parameters being float32
 * @param agreement the values that decide what the draft learns, by the recipe's keys: a checkpoint of other ones is refused
 */
public record TrainSettings(
        LossMode mode,
        int tttLength,
        Batches batches,
        Optimization optimization,
        Milestones milestones,
        DTypeChoice dtype,
        TaskResources resources,
        SortedMap<String, String> agreement) implements Serializable {

    /**
     * What goes through the draft, and in which order.
     *
     * @param step what one optimizer step is made of
     * @param microBatchTokens tokens that a rank runs at once; a longer conversation is run by itself
     * @param epochs passes over the conversations
     * @param maxSteps ends earlier than the epochs do, which the schedule of the learning rate spans all the same; 0 for no limit
     * @param seed of the initial parameters and of the order of conversations
     */
    public record Batches(BatchSize step, int microBatchTokens, int epochs, long maxSteps, long seed) implements Serializable {}

    /**
     * What becomes of a gradient.
     *
     * @param learningRate the highest; see {@link Schedule}
     * @param maxGradNorm bound of the global gradient norm; larger gradients are scaled down to it
     */
    public record Optimization(double learningRate, double warmupRatio, Schedule schedule, Optimizer.AdamW adamW, double maxGradNorm)
            implements Serializable {

        double rate(long step, long total) {
            return learningRate * schedule.factor(step, total, warmupRatio);
        }
    }

    /**
     * What happens every so many steps.
     *
     * @param checkpointSteps steps between checkpoints; the last step always makes one
     * @param keepCheckpoints checkpoints that stay, the newest ones
     * @param heldOutSteps steps between measurements on the held-out part, the last step included; 0 for none
     */
    public record Milestones(int checkpointSteps, int keepCheckpoints, int heldOutSteps) implements Serializable {

        /** For {@link #heldOutSteps}: no run has so many steps. */
        public static final int LAST_STEP_ONLY = Integer.MAX_VALUE;
    }

    public TrainSettings {
        agreement = new TreeMap<>(agreement);
    }
}
