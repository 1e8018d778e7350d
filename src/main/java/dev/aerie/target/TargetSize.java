package dev.aerie.target;

import dev.aerie.errors.RefusalException;
import dev.aerie.target.family.TargetFamilies;
import dev.aerie.target.spec.AttentionSpec;
import dev.aerie.target.spec.DecoderSpec;
import dev.aerie.target.spec.FeedForwardSpec;
import dev.aerie.target.spec.LayerSpec;
import dev.aerie.target.spec.TargetConfig;
import dev.aerie.target.spec.WeightSpec;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
import java.util.stream.Stream;

/**
 * The number of parameters of a target and the cost of its forward pass, computed from a config.json alone.
 *
 * @param config of the target
 * @param parameters all parameters; tied tensors count once
 * @param activeParameters parameters that one token uses: of the routed experts only the chosen ones
 * @param layerParameters active parameters inside layers, which alone a forward pass to the final norm multiplies by
 * @param largestLayer parameters of the largest layer, including all its experts
 */
public record TargetSize(
        TargetConfig config, long parameters, long activeParameters, long layerParameters, long largestLayer, DecoderSpec spec) {

    /** @throws RefusalException unless a family reads the folder's config.json */
    public static TargetSize of(Path folder) {
        return of(TargetFamilies.read(folder));
    }

    static TargetSize of(DecoderSpec spec) {
        long inLayers = 0;
        long active = 0;
        long largest = 0;
        for (LayerSpec layer : spec.layers()) {
            long all = sum(layer.weights());
            inLayers += all;
            largest = Math.max(largest, all);
            active += all - idle(layer.feedForward());
        }
        long ends = sum(Stream.of(spec.embedding(), spec.norm().weight(), spec.lmHead()).limit(spec.tied() ? 2 : 3));
        return new TargetSize(spec.config(), inLayers + ends, active + ends, active, largest, spec);
    }

    /** Returns the parameters of the experts that a token is not routed to. */
    private static long idle(FeedForwardSpec feedForward) {
        if (!(feedForward instanceof FeedForwardSpec.MixtureOfExperts experts)) {
            return 0;
        }
        long count = experts.router().projection().weight().shape()[0];
        long all = sum(experts.experts().weights());
        return all - all / count * experts.router().rule().topK();
    }

    private static long sum(Stream<WeightSpec> weights) {
        Set<String> seen = new HashSet<>();
        return weights.filter(w -> seen.add(w.name() + w.rows())).mapToLong(TargetSize::count).sum();
    }

    private static long count(WeightSpec weight) {
        long count = 1;
        for (long size : weight.shape()) {
            count *= size;
        }
        return count;
    }

    /** Returns the layers' floating-point operations without attention scores: a multiplication and an addition per parameter. */
    public double forwardFlops(double tokens) {
        return 2.0 * layerParameters * tokens;
    }

    /**
     * Returns the floating-point operations of scores and weighted sums: 2 · heads · (key width + value width) for each token and
     * each token that it attends to. A layer without scores (linear attention) costs only its weights.
     *
     * @param length number of tokens in the sequence
     */
    public double attentionFlops(double tokens, long length) {
        double flops = 0;
        for (LayerSpec layer : spec.layers()) {
            if (layer.attention() instanceof AttentionSpec.GroupedQuery a) {
                flops += 2.0 * a.heads() * 2 * a.headDim() * seen(length, a.scores().window(), a.scores().chunk());
            } else if (layer.attention() instanceof AttentionSpec.Latent a) {
                flops += 2.0 * a.heads() * (a.plainDim() + a.rotation().dim() + a.valueDim()) * seen(length, 0, 0);
            }
        }
        return flops * tokens;
    }

    /** Returns the number of tokens that a token of the sequence attends to on average, itself included. */
    static double seen(long length, int window, int chunk) {
        long sum = 0;
        for (long t = 0; t < length; t++) {
            long own = chunk > 0 ? t % chunk : t;
            sum += Math.min(own + 1, window > 0 ? window : Long.MAX_VALUE);
        }
        return (double) sum / length;
    }
}
