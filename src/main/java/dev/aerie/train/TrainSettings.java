package dev.aerie.train;

import dev.aerie.draft.LossMode;
import dev.aerie.errors.RefusalException;
import dev.aerie.torch.DType;
import dev.aerie.torch.Optimizer;
import java.io.Serializable;

/**
 * How a draft is trained: the recipe's section {@code train}, apart from where and on how many ranks. Names in messages are
 * the recipe's.
 *
 * @param mode which rows carry loss, and what a step's loss is the mean of
 * @param epochs passes over the conversations
 * @param maxSteps ends earlier than the epochs do, which the schedule of the learning rate spans all the same; 0 for no limit
 * @param batch what one optimizer step is made of
 * @param microBatchTokens tokens that a rank runs at once; a longer conversation is run by itself
 * @param tttLength steps of training-time test
 * @param learningRate the highest; see {@link Schedule}
 * @param maxGradNorm bound of the global gradient norm; larger gradients are scaled down to it
 * @param dtype of the arithmetic, parameters being float32; null for float32 on a CPU and bfloat16 on a GPU
 * @param seed of the initial parameters and of the order of conversations
 * @param threads that one operator of a rank uses on the CPU; 0 for its share of the cores ({@link
 *     dev.aerie.spark.TaskThreads})
 * @param checkpointEverySteps steps between checkpoints; the last step always makes one
 * @param keepCheckpoints checkpoints that stay, the newest ones
 * @param heldOutEverySteps steps between measurements on the held-out part; 0 for the last step only, which
 *     always makes one where there is a held-out part
 */
public record TrainSettings(
        LossMode mode,
        int epochs,
        long maxSteps,
        BatchSize batch,
        int microBatchTokens,
        int tttLength,
        double learningRate,
        double warmupRatio,
        Schedule schedule,
        Optimizer.AdamW adamW,
        double maxGradNorm,
        DType dtype,
        long seed,
        int threads,
        int checkpointEverySteps,
        int keepCheckpoints,
        int heldOutEverySteps) implements Serializable {

    public static final LossMode MODE = LossMode.STRICT;
    public static final int EPOCHS = 1;
    public static final long MAX_STEPS = 0;
    public static final int BATCH_CONVERSATIONS = 1;
    public static final int MICRO_BATCH_TOKENS = 8192;
    /** From here to the gradient norm: SpecForge's defaults. */
    public static final int TTT_LENGTH = 7;
    public static final double LEARNING_RATE = 1e-4;
    public static final double WARMUP_RATIO = 0.015;
    public static final Schedule SCHEDULE = Schedule.COSINE;
    public static final double MAX_GRAD_NORM = 0.5;
    public static final long SEED = 0;
    public static final int CHECKPOINT_EVERY_STEPS = 500;
    public static final int KEEP_CHECKPOINTS = 2;
    public static final int HELD_OUT_EVERY_STEPS = 0;

    public static final TrainSettings DEFAULT = new TrainSettings(MODE, EPOCHS, MAX_STEPS,
            new BatchSize.Conversations(BATCH_CONVERSATIONS), MICRO_BATCH_TOKENS, TTT_LENGTH, LEARNING_RATE, WARMUP_RATIO,
            SCHEDULE, Optimizer.AdamW.withDecay(0), MAX_GRAD_NORM, null, SEED, 0, CHECKPOINT_EVERY_STEPS, KEEP_CHECKPOINTS,
            HELD_OUT_EVERY_STEPS);

    public TrainSettings {
        atLeast("epochs", epochs, 1);
        atLeast("max_steps", maxSteps, 0);
        atLeast("micro_batch_tokens", microBatchTokens, 1);
        atLeast("ttt_length", tttLength, 1);
        atLeast("threads", threads, 0);
        atLeast("checkpoint.every_steps", checkpointEverySteps, 1);
        atLeast("checkpoint.keep", keepCheckpoints, 1);
        atLeast("held_out_every_steps", heldOutEverySteps, 0);
        require("learning_rate", learningRate, learningRate > 0 && Double.isFinite(learningRate), "a positive number");
        require("warmup_ratio", warmupRatio, warmupRatio >= 0 && warmupRatio <= 1, "0 to 1");
        require("max_grad_norm", maxGradNorm, maxGradNorm > 0, "a positive number");
        require("dtype", dtype, dtype == null || dtype == DType.F32 || dtype == DType.BF16, "float32 or bfloat16");
    }

    private static void atLeast(String name, long value, long least) {
        require(name, value, value >= least, "at least " + least);
    }

    private static void require(String name, Object value, boolean good, String expected) {
        if (!good) {
            throw new RefusalException("Invalid " + name + ": " + value + " (expected " + expected + ")");
        }
    }
}
