package dev.aerie.target.layer;

import dev.aerie.target.spec.AttentionSpec;
import dev.aerie.torch.Attention;
import dev.aerie.torch.Nn;
import dev.aerie.torch.Tensor;
import java.util.List;

/**
 * A loaded {@link AttentionSpec.Latent} in the expanded form: keys and values of every head are computed from the latent vectors
 * once. The absorbed form of the paper reads less per decoded token but computes more per prefilled one, and a target mostly
 * prefills.
 */
public final class LatentAttention implements LayerAttention {

    private final int layer;
    private final AttentionSpec.Latent spec;
    private final RotaryTable rotary;
    private final Attention.Options options;
    private final Linear queryDown;
    private final RmsNorm queryNorm;
    private final Linear query;
    private final Linear keyValueDown;
    private final RmsNorm keyValueNorm;
    private final Linear keyValue;
    private final Linear output;

    public LatentAttention(int layer, AttentionSpec.Latent spec, WeightLoader loader, RotaryTable rotary) {
        this.layer = layer;
        this.spec = spec;
        this.rotary = rotary;
        this.options = Attention.Options.of(spec.scale());
        this.queryDown = spec.queryDown() == null ? null : loader.load(spec.queryDown());
        this.queryNorm = loader.load(spec.queryNorm());
        this.query = loader.load(spec.query());
        this.keyValueDown = loader.load(spec.keyValueDown());
        this.keyValueNorm = loader.load(spec.keyValueNorm());
        this.keyValue = loader.load(spec.keyValue());
        this.output = loader.load(spec.output());
    }

    @Override
    public Tensor of(Tensor x, ForwardPass pass) {
        long rows = x.size(0);
        int plain = spec.plainDim();
        int rotated = spec.rotation().dim();
        RotaryTable.Rotation rotation = pass.rotation(rotary);

        Tensor projected = query.of(queryDown == null ? x : queryNorm.of(queryDown.of(x)));
        Tensor heads = projected.view(rows, spec.heads(), plain + rotated);
        Tensor q = Tensor.cat(2, List.of(heads.narrow(2, 0, plain), rotated(heads.narrow(2, plain, rotated), rotation)));

        Tensor down = keyValueDown.of(x);
        long rank = down.size(1) - rotated;
        Tensor kv = keyValue.of(keyValueNorm.of(down.narrow(1, 0, rank))).view(rows, spec.heads(), plain + spec.valueDim());
        Tensor sharedKey = rotated(down.narrow(1, rank, rotated).contiguous().view(rows, 1, rotated), rotation);
        Tensor k = Nn.joinShared(kv.narrow(2, 0, plain), sharedKey);

        Tensor attended = pass.attend(layer, q, k, kv.narrow(2, plain, spec.valueDim()), options);
        return output.of(attended.view(rows, (long) spec.heads() * spec.valueDim()));
    }

    private Tensor rotated(Tensor x, RotaryTable.Rotation rotation) {
        return spec.rotation().interleaved()
                ? Nn.rotaryEmbeddingInterleaved(x, rotation.cos(), rotation.sin())
                : Nn.rotaryEmbedding(x, rotation.cos(), rotation.sin());
    }
}
