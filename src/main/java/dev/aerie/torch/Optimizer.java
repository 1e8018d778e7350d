package dev.aerie.torch;

import java.util.List;

/** Steps that change parameters in place. Nothing here is recorded by autograd. */
public final class Optimizer {

    private Optimizer() {}

    /**
     * What AdamW needs to know beside the gradient.
     *
     * @param decay decoupled weight decay, a factor of the learning rate
     */
    public record AdamW(double beta1, double beta2, double eps, double decay) {

        /** PyTorch's defaults, except the decay. */
        public static AdamW withDecay(double decay) {
            return new AdamW(0.9, 0.999, 1e-8, decay);
        }
    }

    /**
     * One step of AdamW (Loshchilov and Hutter, 2019), as torch.optim.AdamW computes it.
     *
     * @param parameter changed; all tensors float32 (or float64), of one shape
     * @param mean running mean of the gradients, zero before the first step; changed
     * @param variance running mean of their squares, likewise
     * @param step 1 for the first
     */
    public static void adamW(Tensor parameter, Tensor gradient, Tensor mean, Tensor variance, AdamW settings, double learningRate,
            long step) {
        if (step < 1) {
            throw new IllegalArgumentException("Invalid step: " + step + " (expected at least 1)");
        }
        Script.nothing("adam_w", parameter, gradient, mean, variance, learningRate, settings.beta1(), settings.beta2(),
                settings.eps(), settings.decay(), step);
    }

    /** Euclidean norm of all elements of all tensors together. */
    public static double globalNorm(List<Tensor> tensors) {
        return Script.number("global_norm", tensors);
    }
}
