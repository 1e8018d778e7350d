package dev.aerie.draft;

import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;
import java.util.List;

/**
 * The draft's tensors for its arithmetic: views of one flat tensor of parameters, of a compute copy, or of gradients.
 *
 * <p>The attention input is [RMS(embedding), RMS(hidden)], so its projections are two matrices side by side: the embedding side
 * is computed once per token and shared by all TTT steps.
 *
 * @param fc [hidden, 3 · target hidden]
 * @param embeddingSide [q + k + v, hidden], the columns of the projections that read the embedding
 * @param hiddenSide [q + k + v, hidden], the columns that read the hidden state
 * @param output [hidden, heads · d]
 * @param gateUp [2 · intermediate, hidden]
 * @param down [hidden, intermediate]
 * @param lmHead [draft vocabulary, hidden]
 */
record DraftTensors(Tensor fc, Tensor embeddingSide, Tensor hiddenSide, Tensor output, Tensor gateUp, Tensor down, Tensor lmHead,
        Tensor embeddingNorm, Tensor hiddenNorm, Tensor postNorm, Tensor outputNorm) {

    static DraftTensors over(DraftConfig config, DraftLayout layout, Tensor flat) {
        Tensor qkv = layout.rows(flat, "midlayer.self_attn.q_proj.weight", "midlayer.self_attn.v_proj.weight");
        int h = config.hiddenSize();
        return new DraftTensors(
                layout.view(flat, "fc.weight"),
                qkv.narrow(1, 0, h),
                qkv.narrow(1, h, h),
                layout.view(flat, "midlayer.self_attn.o_proj.weight"),
                layout.rows(flat, "midlayer.mlp.gate_proj.weight", "midlayer.mlp.up_proj.weight"),
                layout.view(flat, "midlayer.mlp.down_proj.weight"),
                layout.view(flat, "lm_head.weight"),
                layout.view(flat, "midlayer.input_layernorm.weight"),
                layout.view(flat, "midlayer.hidden_norm.weight"),
                layout.view(flat, "midlayer.post_attention_layernorm.weight"),
                layout.view(flat, "norm.weight"));
    }

    /** Returns the same tensors, owned by a scope that outlives the innermost one. */
    DraftTensors adoptedBy(Scope scope) {
        List.of(fc, embeddingSide, hiddenSide, output, gateUp, down, lmHead, embeddingNorm, hiddenNorm, postNorm, outputNorm)
                .forEach(scope::adopt);
        return this;
    }
}
