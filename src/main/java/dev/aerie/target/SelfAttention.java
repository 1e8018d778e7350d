package dev.aerie.target;

import dev.aerie.torch.Nn;
import dev.aerie.torch.Tensor;

/** A loaded {@link AttentionSpec.GroupedQuery}. */
final class SelfAttention {

    private final int layer;
    private final AttentionSpec.GroupedQuery spec;
    private final RotaryTable rotary;
    private final Linear query;
    private final Linear key;
    private final Linear value;
    private final Linear output;
    private final RmsNorm queryNorm;
    private final RmsNorm keyNorm;

    SelfAttention(int layer, AttentionSpec.GroupedQuery spec, WeightLoader loader, RotaryTable rotary) {
        this.layer = layer;
        this.spec = spec;
        this.rotary = rotary;
        this.query = loader.load(spec.query());
        this.key = loader.load(spec.key());
        this.value = loader.load(spec.value());
        this.output = loader.load(spec.output());
        this.queryNorm = loader.load(spec.queryNorm());
        this.keyNorm = loader.load(spec.keyNorm());
    }

    Tensor of(Tensor x, ForwardPass pass) {
        long rows = x.size(0);
        Tensor q = query.of(x).view(rows, spec.heads(), spec.headDim());
        Tensor k = key.of(x).view(rows, spec.kvHeads(), spec.headDim());
        Tensor v = value.of(x).view(rows, spec.kvHeads(), spec.headDim());
        if (queryNorm != null) {
            q = queryNorm.of(q);
            k = keyNorm.of(k);
        }
        RotaryTable.Rotation rotation = pass.rotation(rotary);
        q = Nn.rotaryEmbedding(q, rotation.cos(), rotation.sin());
        k = Nn.rotaryEmbedding(k, rotation.cos(), rotation.sin());
        Tensor attended = pass.attend(layer, q, k, v, spec.scale());
        return output.of(attended.view(rows, (long) spec.heads() * spec.headDim()));
    }
}
