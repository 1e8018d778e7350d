package dev.aerie.target.layer;

import dev.aerie.target.spec.AttentionSpec;
import dev.aerie.torch.DType;
import dev.aerie.torch.GatedDeltaRule;
import dev.aerie.torch.GatedDeltaRule.Heads;
import dev.aerie.torch.Tensor;

/** A loaded {@link AttentionSpec.GatedDelta}. */
public final class LinearAttention implements LayerAttention {

    private final int layer;
    private final Heads heads;
    private final Linear projection;
    private final Linear rates;
    private final Tensor convolution;
    private final Tensor logRate;
    private final Tensor timeBias;
    private final RmsNorm norm;
    private final Linear output;

    public LinearAttention(int layer, AttentionSpec.GatedDelta spec, WeightLoader loader) {
        // The decay is an exponential of an exponential of these, so they are float32 whatever the compute type.
        WeightLoader exact = loader.as(DType.F32);
        this.layer = layer;
        this.heads = spec.heads();
        this.projection = loader.load(spec.projection());
        this.rates = loader.load(spec.rates());
        this.convolution = loader.load(spec.convolution());
        this.logRate = exact.load(spec.logRate());
        this.timeBias = exact.load(spec.timeBias());
        this.norm = loader.load(spec.norm());
        this.output = loader.load(spec.output());
    }

    @Override
    public Tensor of(Tensor x, ForwardPass pass) {
        GatedDeltaRule.Projected projected =
                GatedDeltaRule.inputs(projection.of(x), rates.of(x), logRate, timeBias, heads);
        Tensor attended = pass.linearAttention(layer, projected.inputs(), convolution, heads);
        Tensor gated = GatedDeltaRule.gatedRmsNorm(attended, projected.gate(), norm.weight(), norm.eps());
        return output.of(gated.view(x.size(0), (long) heads.valueHeads() * heads.valueDim()));
    }
}
