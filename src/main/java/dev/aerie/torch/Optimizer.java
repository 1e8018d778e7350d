package dev.aerie.torch;

import java.io.Serializable;
import java.util.List;

/** Optimizer steps, which change parameters in place. Autograd does not record them. */
public final class Optimizer {

    private Optimizer() {}

    /**
     * The constants of AdamW.
     *
     * @param decay decoupled weight decay, multiplied by the learning rate
     */
    public record AdamW(double beta1, double beta2, double eps, double decay) implements Serializable {

        public AdamW {
            share("beta1", beta1);
            share("beta2", beta2);
            if (!(eps > 0)) {
                throw new IllegalArgumentException("Invalid eps: " + eps + " (expected a positive number)");
            }
            if (!(decay >= 0)) {
                throw new IllegalArgumentException("Invalid weight_decay: " + decay + " (expected 0 or more)");
            }
        }

        private static void share(String name, double value) {
            if (!(value >= 0 && value < 1)) {
                throw new IllegalArgumentException("Invalid " + name + ": " + value + " (expected 0 to 1, 1 excluded)");
            }
        }

        /** Returns PyTorch's defaults with another decay. */
        public static AdamW withDecay(double decay) {
            return new AdamW(0.9, 0.999, 1e-8, decay);
        }
    }

    /**
     * Makes one step of AdamW (Loshchilov and Hutter, 2019), as torch.optim.AdamW computes it.
     *
     * @param parameter changed; all tensors float32 (or float64), contiguous, of one shape
     * @param mean running mean of the gradients, zero before the first step; changed
     * @param variance running mean of their squares, likewise
     * @param step 1 for the first step
     */
    public static void adamW(Tensor parameter, Tensor gradient, Tensor mean, Tensor variance, AdamW settings, double learningRate,
            long step) {
        if (step < 1) {
            throw new IllegalArgumentException("Invalid step: " + step + " (expected at least 1)");
        }
        Script.nothing("adam_w", List.of(parameter), List.of(gradient), List.of(mean), List.of(variance), learningRate,
                settings.beta1(), settings.beta2(), settings.eps(), settings.decay(), step);
    }

    /** Returns the Euclidean norm of all elements of all tensors together. */
    public static double globalNorm(List<Tensor> tensors) {
        return Script.number("global_norm", tensors);
    }
}
