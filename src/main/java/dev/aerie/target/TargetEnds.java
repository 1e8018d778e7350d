package dev.aerie.target;

import dev.aerie.torch.DType;
import dev.aerie.torch.Device;
import dev.aerie.torch.Nn;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;
import java.nio.file.Path;

/** The two ends of a target, its embedding and its lm_head: all of it that training needs. */
public final class TargetEnds implements AutoCloseable {

    private final Scope scope = Scope.detached();
    private final TargetConfig config;
    private final Tensor embedTokens;
    private final Tensor lmHead;

    TargetEnds(DecoderSpec spec, Weights weights, DType dtype, Device device) {
        WeightLoader loader = new WeightLoader(weights, dtype, device, scope);
        this.config = spec.config();
        this.embedTokens = loader.load(spec.embedding());
        this.lmHead = spec.tied() ? embedTokens : loader.load(spec.lmHead());
    }

    /**
     * Loads these two tensors and nothing else.
     *
     * @throws InvalidModelException if one is missing or misshapen
     */
    public static TargetEnds load(Path folder, DType dtype, Device device) {
        DecoderSpec spec = TargetFamilies.read(folder);
        try (Weights weights = Weights.open(folder)) {
            return new TargetEnds(spec, weights, dtype, device);
        }
    }

    public TargetConfig config() {
        return config;
    }

    /** [vocabulary, hidden]. */
    public Tensor embedTokens() {
        return embedTokens;
    }

    /** [vocabulary, hidden]; the same tensor as the embedding where they are tied. */
    public Tensor lmHead() {
        return lmHead;
    }

    /**
     * @param last states after the final norm, [T, hidden]
     * @return [T, vocabulary]
     */
    public Tensor logits(Tensor last) {
        return Nn.linear(last, lmHead);
    }

    @Override
    public void close() {
        scope.close();
    }
}
