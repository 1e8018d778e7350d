package dev.aerie.train;

import dev.aerie.gang.Collective;
import dev.aerie.gang.Slice;
import dev.aerie.torch.Optimizer;
import dev.aerie.torch.DType;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;
import java.util.List;

/**
 * AdamW with moments sharded over the ranks (ZeRO stage 1, Rajbhandari et al., 2020): each rank sums, clips and applies its slice
 * of the gradient and sends its slice of the new parameters to the others.
 */
final class ShardedAdamW implements AutoCloseable {

    /** Added to the norm before the division, as in torch.nn.utils.clip_grad_norm_ and SpecForge. */
    private static final double NORM_EPS = 1e-6;

    private final Collective collective;
    private final Optimizer.AdamW adamW;
    private final double maxGradNorm;
    private final Tensor parameters;
    private final Slice slice;
    private final Scope scope = Scope.detached();
    private final Tensor mean;
    private final Tensor squareMean;

    /** @param parameters flat float32, the same on every rank; changed in place */
    ShardedAdamW(Collective collective, Optimizer.AdamW adamW, double maxGradNorm, Tensor parameters) {
        this.collective = collective;
        this.adamW = adamW;
        this.maxGradNorm = maxGradNorm;
        this.parameters = parameters;
        this.slice = collective.slice(parameters.count());
        try (Scope making = Scope.open()) {
            this.mean = Tensor.zeros(DType.F32, parameters.device(), slice.length());
            this.squareMean = Tensor.zeros(DType.F32, parameters.device(), slice.length());
            // Adopted only once both exist: if the second does not fit, this optimizer is never closed.
            scope.adopt(mean);
            scope.adopt(squareMean);
        }
    }

    /**
     * Sums the gradient over the ranks, clips its norm, and applies it.
     *
     * @param gradient flat, this rank's summand; its content is undefined afterwards
     * @param step 1 for the first
     * @return the norm of the summed gradient before clipping
     * @throws IllegalStateException if the norm is not finite; parameters and moments are then unchanged
     */
    double step(Tensor gradient, long step, double learningRate) {
        collective.reduceScatter(gradient);
        try (Scope working = Scope.open()) {
            Tensor mine = part(gradient);
            double part = Optimizer.globalNorm(List.of(mine));
            double[] squares = {part * part};
            collective.allReduce(squares);
            double norm = Math.sqrt(squares[0]);
            if (!Double.isFinite(norm)) {
                throw new IllegalStateException("The gradient is not finite (norm " + norm + ")");
            }
            double scale = maxGradNorm / (norm + NORM_EPS);
            if (scale < 1) {
                mine.mul_(scale);
            }
            if (slice.length() > 0) {
                Optimizer.adamW(part(parameters), mine, mean, squareMean, adamW, learningRate, step);
            }
            collective.allGather(parameters);
            return norm;
        }
    }

    private Tensor part(Tensor flat) {
        return flat.narrow(0, slice.start(), slice.length());
    }

    /** Gathers the mean of gradients of all parameters, flat, in the innermost scope; every rank must call it. */
    Tensor wholeMean() {
        return whole(mean);
    }

    /** Gathers the mean of squared gradients of all parameters, like {@link #wholeMean}. */
    Tensor wholeSquareMean() {
        return whole(squareMean);
    }

    private Tensor whole(Tensor moment) {
        if (collective.size() == 1) {
            return moment;
        }
        Tensor all = Tensor.zeros(DType.F32, moment.device(), parameters.count());
        part(all).copy_(moment);
        collective.allGather(all);
        return all;
    }

    /** Takes this rank's slice of a mean of gradients, saved by any number of ranks. */
    void restoreMean(Tensor whole) {
        try (Scope working = Scope.open()) {
            mean.copy_(part(whole));
        }
    }

    /** Takes this rank's slice of a mean of squared gradients, saved by any number of ranks. */
    void restoreSquareMean(Tensor whole) {
        try (Scope working = Scope.open()) {
            squareMean.copy_(part(whole));
        }
    }

    @Override
    public void close() {
        scope.close();
    }
}
