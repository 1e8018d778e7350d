package dev.aerie.draft;

/**
 * Sums over the rows of some micro-batches, one entry per TTT step; sums of parts add up to those of the whole.
 *
 * @param loss Σ of the rows' losses (cross-entropy in nats, unweighted)
 * @param lossRows rows that carried loss
 * @param correct counted rows whose arg-max is the teacher's
 * @param supervised counted rows, including those whose teacher's arg-max is outside the draft vocabulary
 * @param acceptance Σ over the loss rows of Σ min(p, q), the probability that sampling accepts the row's token
 */
public record TttMetrics(double[] loss, long[] lossRows, long[] correct, long[] supervised, double[] acceptance) {

    /** Weight of a TTT step's loss in the total: 0.8 to the power of the step (EAGLE-3, SpecForge's ploss_decay). */
    static final double STEP_DECAY = 0.8;

    public static TttMetrics zero(int steps) {
        return new TttMetrics(new double[steps], new long[steps], new long[steps], new long[steps], new double[steps]);
    }

    int steps() {
        return loss.length;
    }

    /** Returns the sums over both. */
    public TttMetrics plus(TttMetrics other) {
        TttMetrics sum = zero(steps());
        for (int i = 0; i < steps(); i++) {
            sum.loss[i] = loss[i] + other.loss[i];
            sum.lossRows[i] = lossRows[i] + other.lossRows[i];
            sum.correct[i] = correct[i] + other.correct[i];
            sum.supervised[i] = supervised[i] + other.supervised[i];
            sum.acceptance[i] = acceptance[i] + other.acceptance[i];
        }
        return sum;
    }

    /** Returns the mean loss of a step for a denominator of the loss mode; 0 if the denominator is 0. */
    public double meanLoss(int step, double denominator) {
        return denominator == 0 ? 0 : loss[step] / denominator;
    }

    /** Returns Σ 0.8^i · mean loss of step i, which training minimises. */
    public double totalLoss(double[] denominators) {
        double total = 0;
        for (int i = 0; i < steps(); i++) {
            total += stepWeight(i) * meanLoss(i, denominators[i]);
        }
        return total;
    }

    /** Returns the share of counted rows that the draft predicts correctly; 0 without rows. */
    public double accuracy(int step) {
        return supervised[step] == 0 ? 0 : (double) correct[step] / supervised[step];
    }

    /** Returns the mean over the loss rows; 0 without rows. */
    public double acceptanceRate(int step) {
        return lossRows[step] == 0 ? 0 : acceptance[step] / lossRows[step];
    }

    static double stepWeight(int step) {
        return Math.pow(STEP_DECAY, step);
    }
}
