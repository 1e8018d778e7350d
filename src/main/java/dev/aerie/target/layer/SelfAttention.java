package dev.aerie.target.layer;

import dev.aerie.target.spec.AttentionSpec;
import dev.aerie.torch.Attention;
import dev.aerie.torch.Nn;
import dev.aerie.torch.Tensor;

/** A loaded {@link AttentionSpec.GroupedQuery}. */
public final class SelfAttention implements LayerAttention {

    private final int layer;
    private final AttentionSpec.GroupedQuery spec;
    private final RotaryTable rotary;
    private final Attention.Options options;
    private final Linear query;
    private final Linear key;
    private final Linear value;
    private final Linear output;
    private final RmsNorm queryNorm;
    private final RmsNorm keyNorm;

    /** @param rotary null if the layer does not rotate */
    public SelfAttention(int layer, AttentionSpec.GroupedQuery spec, WeightLoader loader, RotaryTable rotary) {
        this.layer = layer;
        this.spec = spec;
        this.rotary = rotary;
        AttentionSpec.Scores s = spec.scores();
        this.options = new Attention.Options(s.scale(), s.window(), s.chunk(), s.softCap(), loader.load(s.sinks()));
        this.query = loader.load(spec.query());
        this.key = loader.load(spec.key());
        this.value = loader.load(spec.value());
        this.output = loader.load(spec.output());
        this.queryNorm = spec.norms() == null ? null : loader.load(spec.norms().query());
        this.keyNorm = spec.norms() == null ? null : loader.load(spec.norms().key());
    }

    @Override
    public Tensor of(Tensor x, ForwardPass pass) {
        long rows = x.size(0);
        long width = (long) spec.heads() * spec.headDim();
        Tensor asked = query.of(x).view(rows, spec.heads(), (spec.gated() ? 2L : 1L) * spec.headDim());
        Tensor q = prepared(spec.gated() ? asked.narrow(2, 0, spec.headDim()) : asked, queryNorm, pass);
        Tensor k = prepared(key.of(x).view(rows, spec.kvHeads(), spec.headDim()), keyNorm, pass);
        Tensor v = value.of(x).view(rows, spec.kvHeads(), spec.headDim());
        if (spec.temperature() != null) {
            q = Nn.scaleRows(q, pass.temperature(spec.temperature()).to(q.device()));
        }
        Tensor attended = pass.attend(layer, q, k, v, options).view(rows, width);
        if (spec.gated()) {
            attended = Nn.sigmoidGate(attended, asked.narrow(2, spec.headDim(), spec.headDim()).contiguous().view(rows, width));
        }
        return output.of(attended);
    }

    private Tensor prepared(Tensor x, RmsNorm norm, ForwardPass pass) {
        boolean after = norm != null && spec.norms().afterRotation();
        Tensor before = norm == null || after ? x : norm.of(x);
        Tensor rotated = rotary == null ? before : rotated(before, pass.rotation(rotary));
        return after ? norm.of(rotated) : rotated;
    }

    private Tensor rotated(Tensor x, RotaryTable.Rotation rotation) {
        return spec.rotation().interleaved()
                ? Nn.rotaryEmbeddingInterleaved(x, rotation.cos(), rotation.sin())
                : Nn.rotaryEmbedding(x, rotation.cos(), rotation.sin());
    }
}
