package dev.aerie.train;

import dev.aerie.gang.Collective;
import dev.aerie.gang.Slice;
import dev.aerie.torch.Optimizer;
import dev.aerie.torch.DType;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;
import java.util.List;

/**
 * AdamW whose moments are spread over the ranks (ZeRO stage 1, Rajbhandari et al., 2020): each rank sums, clips and applies
 * its slice of the gradient and hands its slice of the new parameters to the others.
 */
final class ShardedAdamW implements AutoCloseable {

    /** torch.nn.utils.clip_grad_norm_ and SpecForge divide by norm + this. */
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
            // Only once both are there: where the second does not fit, nobody closes this optimizer.
            scope.adopt(mean);
            scope.adopt(squareMean);
        }
    }

    /**
     * Sums the gradient over the ranks, scales it to the bound of its norm, and applies it.
     *
     * @param gradient flat, this rank's part of the sum; what it holds afterwards is of no use
     * @param step 1 for the first
     * @return the norm of the summed gradient, before scaling
     * @throws IllegalStateException if the norm is not finite; parameters and moments are then as they were
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

    /** The mean of gradients of all parameters, flat; every rank calls this together. In the innermost scope. */
    Tensor wholeMean() {
        return whole(mean);
    }

    /** The mean of squared gradients of all parameters, likewise. */
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

    /** Takes this rank's part of a mean of gradients that any number of ranks have saved. */
    void restoreMean(Tensor whole) {
        try (Scope working = Scope.open()) {
            mean.copy_(part(whole));
        }
    }

    /** The mean of squared gradients, likewise. */
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
