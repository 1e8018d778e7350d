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
 * the mean over its rows, and all ranks' means have equal weight. Conversations that are left out are in no mean.
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

    /** A rank's losses and the tokens that it read. */
    private record Sums(TttMetrics metrics, long tokens) {

        Sums plus(TttMetrics more, long tokensMore) {
            return new Sums(metrics.plus(more), tokens + tokensMore);
        }
    }

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
        Sums sums = mode == LossMode.STRICT
                ? strict(mine, denominators)
                : specForge(mine, denominators, busyRanks);
        double norm = optimizer.step(gradient, step, learningRate);
        return result(sums.metrics(), denominators, norm, sums.tokens());
    }

    /** @param denominators filled with the same value for every micro-batch, so that no counting is needed */
    private Sums specForge(RankShare mine, double[] denominators, int busyRanks) throws InterruptedException {
        Arrays.fill(denominators, (double) busyRanks * mine.tokens());
        Sums sums = new Sums(TttMetrics.zero(steps), 0);
        for (int m = 0; m < mine.microBatches(); m++) {
            try (MicroBatch micro = mine.next(); Scope working = Scope.open()) {
                if (!micro.isEmpty()) {
                    TrainingBatch batch = micro.pack(device);
                    sums = sums.plus(training.forwardBackward(batch, training.teacher(batch), denominators, gradient),
                            micro.tokens());
                }
            }
        }
        // What was left out is known only now, and not to other ranks; gradients so far are proportional to 1 / denominator.
        long[] reallyBusy = {sums.tokens() > 0 ? 1 : 0};
        collective.allReduce(reallyBusy);
        if (sums.tokens() > 0 && (sums.tokens() != mine.tokens() || reallyBusy[0] != busyRanks)) {
            double read = (double) reallyBusy[0] * sums.tokens();
            gradient.mul_(denominators[0] / read);
            Arrays.fill(denominators, read);
        }
        return sums;
    }

    /**
     * Computes the teachers of all micro-batches first, because every loss is divided by the number of all loss rows, which only
     * the teachers determine. All micro-batches but the last are spilled to disk; a share of one micro-batch is not.
     *
     * @param denominators filled with the loss rows of all ranks
     */
    private Sums strict(RankShare mine, double[] denominators) throws InterruptedException, IOException {
        Deque<SpilledMicroBatch> waiting = new ArrayDeque<>();
        long tokens = 0;
        try {
            for (int m = 0; m < mine.microBatches() - 1; m++) {
                try (MicroBatch micro = mine.next(); Scope working = Scope.open()) {
                    if (!micro.isEmpty()) {
                        TrainingBatch batch = micro.pack(device);
                        Teacher teacher = training.teacher(batch);
                        add(denominators, teacher.denominators());
                        waiting.add(SpilledMicroBatch.write(scratch, batch, teacher));
                        tokens += micro.tokens();
                    }
                }
            }
            Sums sums = last(mine, denominators);
            while (!waiting.isEmpty()) {
                try (Scope working = Scope.open(); SpilledMicroBatch next = waiting.remove()) {
                    SpilledMicroBatch.Read read = next.read(device);
                    sums = sums.plus(training.forwardBackward(read.batch(), read.teacher(), denominators, gradient), 0);
                }
            }
            return sums.plus(TttMetrics.zero(steps), tokens);
        } finally {
            for (SpilledMicroBatch left : waiting) {
                left.close();
            }
        }
    }

    /** Counts the loss rows of all ranks: every rank comes here once in a step, whatever it has read. */
    private Sums last(RankShare mine, double[] denominators) throws InterruptedException {
        try (MicroBatch micro = mine.microBatches() == 0 ? new MicroBatch(List.of()) : mine.next();
                Scope working = Scope.open()) {
            if (micro.isEmpty()) {
                collective.allReduce(denominators);
                return new Sums(TttMetrics.zero(steps), 0);
            }
            TrainingBatch batch = micro.pack(device);
            Teacher teacher = training.teacher(batch);
            add(denominators, teacher.denominators());
            collective.allReduce(denominators);
            return new Sums(training.forwardBackward(batch, teacher, denominators, gradient), micro.tokens());
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
