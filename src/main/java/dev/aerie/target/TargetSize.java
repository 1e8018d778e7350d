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
 * What a target weighs and what its forward costs, from the shapes of its weights: a config.json is all that is needed.
 *
 * @param config of the target
 * @param parameters of all weights, tied ones once
 * @param activeParameters of those that one token meets: of the experts its own share
 * @param layerParameters of the active ones those in layers, which alone a forward to the final norm multiplies by
 * @param largestLayer parameters of the largest layer, all experts included
 */
public record TargetSize(
        TargetConfig config, long parameters, long activeParameters, long layerParameters, long largestLayer, DecoderSpec spec) {

    /** @throws RefusalException unless config.json of the folder is one of a family that there is */
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

    /** Parameters of the experts that a token does not go to. */
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

    /** Floating-point operations of the layers, a multiplication and an addition for each parameter, attention's scores aside. */
    public double forwardFlops(double tokens) {
        return 2.0 * layerParameters * tokens;
    }

    /**
     * Those of the scores and of what is summed by them: 2 · heads · (width of a key + of a value) for each token and each token
     * it sees. A layer without scores (linear attention) costs what its weights do.
     *
     * @param length tokens of a sequence
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

    /** Tokens that one of a sequence sees on average, itself included. */
    static double seen(long length, int window, int chunk) {
        long sum = 0;
        for (long t = 0; t < length; t++) {
            long own = chunk > 0 ? t % chunk : t;
            sum += Math.min(own + 1, window > 0 ? window : Long.MAX_VALUE);
        }
        return (double) sum / length;
    }
}
