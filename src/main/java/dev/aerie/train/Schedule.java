package dev.aerie.train;

import dev.aerie.errors.Choice;

/** The course of the learning rate after its linear warm-up. */
public enum Schedule implements Choice {
    /** Half a cosine from the full rate to 0 at the last step (Loshchilov and Hutter, 2017, without restarts). */
    COSINE,
    CONSTANT;

    /**
     * Returns the factor of the learning rate in a step. In the first W = ⌊warm-up ratio · total⌋ steps it is (k + 1) / W, as in
     * SpecForge's BF16Optimizer.
     *
     * @param step k, 0 for the first
     * @param total number of steps of the whole run
     */
    double factor(long step, long total, double warmupRatio) {
        long warmup = (long) (warmupRatio * total);
        if (step < warmup) {
            return (step + 1.0) / warmup;
        }
        return switch (this) {
            case CONSTANT -> 1;
            case COSINE -> 0.5 * (1 + Math.cos(Math.PI * (step - warmup) / Math.max(1, total - warmup)));
        };
    }
}
