package dev.aerie.train;

import dev.aerie.draft.DraftParameters;
import dev.aerie.draft.FrozenTarget;
import dev.aerie.draft.LossMode;
import dev.aerie.draft.Teacher;
import dev.aerie.draft.TrainingBatch;
import dev.aerie.draft.TttMetrics;
import dev.aerie.draft.TttTraining;
import dev.aerie.gang.Collective;
import dev.aerie.torch.DType;
import dev.aerie.torch.Device;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;

/**
 * Performs an optimizer step over all ranks: losses, gradients, their sum, and the new parameters.
 *
 * <p>In strict mode the loss of a TTT step is the mean over its loss rows of all ranks and micro-batches, so these are counted
 * before the first backward pass. Memory is that of one micro-batch, however many a step has. In specforge mode each rank takes
 * the mean over its rows, and all ranks' means have equal weight.
 */
final class TrainingStep implements AutoCloseable {

    /**
     * The result of a step, the same on every rank.
     *
     * @param metrics over all rows of all ranks; its losses are already means
     * @param totalLoss Σ 0.8^i · mean loss of TTT step i
     * @param gradNorm global norm of the gradient before clipping
     */
    record Result(TttMetrics metrics, double totalLoss, double gradNorm, long tokens) {}

    private final Collective collective;
    private final LossMode mode;
    private final int steps;
    private final Device device;
    private final TttTraining training;
    private final ShardedAdamW optimizer;
    private final Scope scope = Scope.detached();
    private final Tensor gradient;
    private final Path scratch;

    /** @param scratch folder on a local disk for micro-batches that wait; see {@link SpilledMicroBatch} */
    TrainingStep(Collective collective, TrainSettings settings, DraftParameters parameters, FrozenTarget target, DType compute,
            Path scratch) {
        this.scratch = scratch;
        this.collective = collective;
        this.mode = settings.mode();
        this.steps = settings.tttLength();
        this.device = parameters.flat().device();
        try (Scope making = Scope.open()) {
            this.gradient = Tensor.zeros(DType.F32, device, parameters.layout().size());
            this.training = new TttTraining(parameters, target, mode, steps, compute);
            try {
                this.optimizer = new ShardedAdamW(collective, settings.optimization().adamW(),
                        settings.optimization().maxGradNorm(), parameters.flat());
            } catch (RuntimeException | Error e) {
                training.close();
                throw e;
            }
            scope.adopt(gradient);
        }
    }

    ShardedAdamW optimizer() {
        return optimizer;
    }

    /**
     * @param mine this rank's share, possibly empty
     * @param busyRanks number of ranks that have a share in this step
     * @param step 1 for the first step
     */
    Result run(RankShare mine, int busyRanks, long step, double learningRate) throws InterruptedException, IOException {
        gradient.zero_();
        double[] denominators = new double[steps];
        TttMetrics sums = mode == LossMode.STRICT
                ? strict(mine, denominators)
                : specForge(mine, denominators, busyRanks);
        double norm = optimizer.step(gradient, step, learningRate);
        return result(sums, denominators, norm, mine.tokens());
    }

    /** @param denominators filled with the same value for every micro-batch, so that no counting is needed */
    private TttMetrics specForge(RankShare mine, double[] denominators, int busyRanks) throws InterruptedException {
        Arrays.fill(denominators, (double) busyRanks * mine.tokens());
        TttMetrics sums = TttMetrics.zero(steps);
        for (int m = 0; m < mine.microBatches(); m++) {
            MicroBatch next = mine.next();
            if (next.isEmpty()) {
                continue;
            }
            try (Scope working = Scope.open()) {
                TrainingBatch batch = next.pack(device);
                sums = sums.plus(training.forwardBackward(batch, training.teacher(batch), denominators, gradient));
            }
        }
        return sums;
    }

    /**
     * Computes the teachers of all micro-batches first, because every loss is divided by the number of all loss rows, which only
     * the teachers determine. All micro-batches but the last are spilled to disk; a share of one micro-batch is not.
     *
     * @param denominators filled with the loss rows of all ranks
     */
    private TttMetrics strict(RankShare mine, double[] denominators) throws InterruptedException, IOException {
        Deque<SpilledMicroBatch> waiting = new ArrayDeque<>();
        try {
            for (int m = 0; m < mine.microBatches() - 1; m++) {
                MicroBatch next = mine.next();
                if (next.isEmpty()) {
                    continue;
                }
                try (Scope working = Scope.open()) {
                    TrainingBatch batch = next.pack(device);
                    Teacher teacher = training.teacher(batch);
                    add(denominators, teacher.denominators());
                    waiting.add(SpilledMicroBatch.write(scratch, batch, teacher));
                }
            }
            TttMetrics sums = last(mine, denominators);
            while (!waiting.isEmpty()) {
                try (Scope working = Scope.open(); SpilledMicroBatch next = waiting.remove()) {
                    SpilledMicroBatch.Read read = next.read(device);
                    sums = sums.plus(training.forwardBackward(read.batch(), read.teacher(), denominators, gradient));
                }
            }
            return sums;
        } finally {
            for (SpilledMicroBatch left : waiting) {
                left.close();
            }
        }
    }

    private TttMetrics last(RankShare mine, double[] denominators) throws InterruptedException {
        MicroBatch next = mine.microBatches() == 0 ? new MicroBatch(List.of()) : mine.next();
        if (next.isEmpty()) {
            collective.allReduce(denominators);
            return TttMetrics.zero(steps);
        }
        try (Scope working = Scope.open()) {
            TrainingBatch batch = next.pack(device);
            Teacher teacher = training.teacher(batch);
            add(denominators, teacher.denominators());
            collective.allReduce(denominators);
            return training.forwardBackward(batch, teacher, denominators, gradient);
        }
    }

    private static void add(double[] sum, double[] one) {
        for (int i = 0; i < sum.length; i++) {
            sum[i] += one[i];
        }
    }

    private Result result(TttMetrics mine, double[] denominators, double norm, long tokens) {
        double[] reals = new double[2 * steps];
        long[] counts = new long[3 * steps + 1];
        for (int i = 0; i < steps; i++) {
            reals[i] = mine.meanLoss(i, denominators[i]);
            reals[steps + i] = mine.acceptance()[i];
            counts[i] = mine.lossRows()[i];
            counts[steps + i] = mine.correct()[i];
            counts[2 * steps + i] = mine.supervised()[i];
        }
        counts[3 * steps] = tokens;
        collective.allReduce(reals);
        collective.allReduce(counts);
        TttMetrics means = new TttMetrics(
                Arrays.copyOf(reals, steps),
                Arrays.copyOf(counts, steps),
                Arrays.copyOfRange(counts, steps, 2 * steps),
                Arrays.copyOfRange(counts, 2 * steps, 3 * steps),
                Arrays.copyOfRange(reals, steps, 2 * steps));
        double[] ones = new double[steps];
        Arrays.fill(ones, 1);
        return new Result(means, means.totalLoss(ones), norm, counts[3 * steps]);
    }

    @Override
    public void close() {
        training.close();
        optimizer.close();
        scope.close();
    }
}
