package dev.aerie.draft;

import dev.aerie.target.layer.RotaryTable;
import dev.aerie.torch.Attention;
import dev.aerie.torch.Autograd;
import dev.aerie.torch.DType;
import dev.aerie.torch.Device;
import dev.aerie.torch.Nn;
import dev.aerie.torch.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The naive twin of {@link TttTraining}, in float64: every row of one sequence at every step, attention row by row over keys
 * laid out one by one, recorded by autograd; the loss in plain arithmetic.
 */
final class NaiveTtt {

    private final DraftConfig config;
    private final FrozenTarget target;
    private final DraftLayout layout;
    private final List<Tensor> leaves = new ArrayList<>();
    private final RotaryTable rotary;

    NaiveTtt(DraftParameters parameters, FrozenTarget target) {
        this.config = parameters.config();
        this.target = target;
        this.layout = parameters.layout();
        this.rotary = config.rotary(Device.CPU);
        for (String name : parameters.names()) {
            leaves.add(Autograd.leaf(parameters.get(name).to(DType.F64)));
        }
    }

    /** Logits [L, draft vocabulary] of each step; call while recording. */
    List<Tensor> logits(TrainingBatch one, int steps) {
        int length = one.tokens();
        Tensor hidden = Nn.linear(one.aux().to(DType.F64), leaf("fc.weight"));
        List<Tensor> keys = new ArrayList<>();
        List<Tensor> values = new ArrayList<>();
        List<Tensor> out = new ArrayList<>();
        for (int i = 0; i < steps; i++) {
            long[] tokens = new long[length];
            long[] positions = new long[length];
            long[] lengths = new long[length];
            Arrays.fill(lengths, length);
            for (int t = 0; t < length; t++) {
                tokens[t] = t + 1 + i < length ? one.inputIds()[t + 1 + i] : 0;
                positions[t] = t + i;
            }
            Tensor embedded = Nn.embedding(Tensor.of(tokens, length), target.embedTokens()).to(DType.F64);
            Tensor x = Tensor.cat(1, List.of(
                    norm(embedded, "midlayer.input_layernorm.weight"), norm(hidden, "midlayer.hidden_norm.weight")));
            RotaryTable.Rotation r = rotary.at(positions, lengths);
            Tensor q = Nn.rotaryEmbedding(heads(x, "midlayer.self_attn.q_proj.weight"), r.cos(), r.sin());
            keys.add(Nn.rotaryEmbedding(heads(x, "midlayer.self_attn.k_proj.weight"), r.cos(), r.sin()));
            values.add(heads(x, "midlayer.self_attn.v_proj.weight"));
            List<Tensor> attended = new ArrayList<>();
            for (int t = 0; t < length; t++) {
                double scale = 1 / Math.sqrt(config.headDim());
                attended.add(Attention.cached(q.narrow(0, t, 1), seen(keys, t), seen(values, t), scale));
            }
            Tensor o = Tensor.cat(0, attended).view(length, (long) config.attentionHeads() * config.headDim());
            hidden = hidden.add(Nn.linear(o, leaf("midlayer.self_attn.o_proj.weight")));
            Tensor normed = norm(hidden, "midlayer.post_attention_layernorm.weight");
            hidden = hidden.add(Nn.swiGlu(normed, leaf("midlayer.mlp.gate_proj.weight"),
                    leaf("midlayer.mlp.up_proj.weight"), leaf("midlayer.mlp.down_proj.weight")));
            out.add(Nn.linear(norm(hidden, "norm.weight"), leaf("lm_head.weight")));
        }
        return out;
    }

    /** Keys of step 0 up to the row and the row's own of the later steps. */
    private static Tensor seen(List<Tensor> ofSteps, int row) {
        List<Tensor> seen = new ArrayList<>(List.of(ofSteps.get(0).narrow(0, 0, row + 1L)));
        for (Tensor later : ofSteps.subList(1, ofSteps.size())) {
            seen.add(later.narrow(0, row, 1));
        }
        return Tensor.cat(0, seen);
    }

    /** Gradients of Σ logits · given, in the layout's order. */
    Tensor[] gradients(List<Tensor> logits, List<Tensor> given) {
        return Autograd.grad(logits, given, leaves);
    }

    private Tensor leaf(String name) {
        for (int i = 0; i < leaves.size(); i++) {
            if (layout.entries().get(i).name().equals(name)) {
                return leaves.get(i);
            }
        }
        throw new AssertionError(name);
    }

    private Tensor norm(Tensor x, String weight) {
        return Nn.rmsNorm(x, leaf(weight), config.rmsNormEps());
    }

    private Tensor heads(Tensor x, String weight) {
        Tensor y = Nn.linear(x, leaf(weight));
        return y.view(y.size(0), y.size(1) / config.headDim(), config.headDim());
    }
}
