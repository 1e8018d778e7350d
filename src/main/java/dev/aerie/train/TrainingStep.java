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
import java.util.Arrays;
import java.util.List;

/**
 * One optimizer step over all ranks: losses, gradients, their sum, and the new parameters.
 *
 * <p>In strict mode the loss of a TTT step is the mean over its loss rows of all ranks and micro-batches, so those are counted
 * before the first backward pass. In SpecForge's mode each rank takes the mean over its rows, and the ranks' means count the
 * same.
 */
final class TrainingStep implements AutoCloseable {

    /**
     * What a step did, the same on every rank.
     *
     * @param metrics over all rows of all ranks; its losses are means already
     * @param totalLoss Σ 0.8^i · mean loss of TTT step i
     * @param gradNorm before it was bounded
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

    TrainingStep(Collective collective, TrainSettings settings, DraftParameters parameters, FrozenTarget target, DType compute) {
        this.collective = collective;
        this.mode = settings.mode();
        this.steps = settings.tttLength();
        this.device = parameters.flat().device();
        this.training = new TttTraining(parameters, target, mode, steps, compute);
        this.optimizer = new ShardedAdamW(collective, settings.optimization().adamW(), settings.optimization().maxGradNorm(), parameters.flat());
        try (Scope making = Scope.open()) {
            this.gradient = scope.adopt(Tensor.zeros(DType.F32, device, parameters.layout().size()));
        }
    }

    ShardedAdamW optimizer() {
        return optimizer;
    }

    /**
     * @param mine this rank's share, possibly nothing
     * @param busyRanks how many ranks have a share in this step
     * @param step 1 for the first
     */
    Result run(List<MicroBatch> mine, int busyRanks, long step, double learningRate) {
        gradient.zero_();
        double[] denominators = mode == LossMode.STRICT ? null : perRank(mine, busyRanks);
        TttMetrics sums = TttMetrics.zero(steps);
        if (mode == LossMode.STRICT && mine.size() == 1) {
            try (Scope working = Scope.open()) {
                TrainingBatch batch = mine.get(0).pack(device);
                Teacher teacher = training.teacher(batch);
                denominators = overRanks(teacher.denominators());
                sums = training.forwardBackward(batch, teacher, denominators, gradient);
            }
        } else {
            if (mode == LossMode.STRICT) {
                denominators = overRanks(counted(mine));
            }
            for (MicroBatch micro : mine) {
                try (Scope working = Scope.open()) {
                    TrainingBatch batch = micro.pack(device);
                    sums = sums.plus(training.forwardBackward(batch, training.teacher(batch), denominators, gradient));
                }
            }
        }
        double norm = optimizer.step(gradient, step, learningRate);
        return result(sums, denominators, norm, mine.stream().mapToLong(MicroBatch::tokens).sum());
    }

    /**
     * Loss rows of several micro-batches. Their teachers are computed again for the backward passes: one more reading of lm_head
     * is 6 % of a step's arithmetic, and keeping the teachers of all micro-batches would undo what splitting them saves.
     */
    private double[] counted(List<MicroBatch> mine) {
        double[] sum = new double[steps];
        for (MicroBatch micro : mine) {
            try (Scope working = Scope.open()) {
                double[] one = training.teacher(micro.pack(device)).denominators();
                for (int i = 0; i < steps; i++) {
                    sum[i] += one[i];
                }
            }
        }
        return sum;
    }

    private double[] overRanks(double[] mine) {
        double[] sum = mine.clone();
        collective.allReduce(sum);
        return sum;
    }

    private double[] perRank(List<MicroBatch> mine, int busyRanks) {
        double[] rows = new double[steps];
        Arrays.fill(rows, (double) busyRanks * mine.stream().mapToLong(MicroBatch::tokens).sum());
        return rows;
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
