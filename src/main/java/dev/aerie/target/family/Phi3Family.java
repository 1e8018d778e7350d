package dev.aerie.target.family;

import dev.aerie.target.spec.AttentionSpec;
import dev.aerie.target.spec.ConfigJson;
import dev.aerie.target.spec.DecoderSpec;
import dev.aerie.target.spec.FeedForwardSpec;
import dev.aerie.target.spec.LinearSpec;
import dev.aerie.target.spec.TargetConfig;
import dev.aerie.target.spec.WeightSpec;
import java.util.Set;

/**
 * Phi-3, 3.5 and 4 (modeling_phi3.py): Llama's layout, with fused weights of queries, keys and values and of gate and up.
 */
public final class Phi3Family implements TargetFamily {

    @Override
    public Set<String> modelTypes() {
        return Set.of("phi3");
    }

    @Override
    public DecoderSpec read(ConfigJson json) {
        TargetConfig c = TargetConfig.read(json);
        json.require("hidden_act", "silu");
        json.require("attention_bias", "false");
        json.require("mlp_bias", "false");
        json.require("lm_head_bias", "false");
        int intermediate = json.positive("intermediate_size");
        int window = json.positive("sliding_window", 0);
        // The original context has an effect only through longrope, which reads it.
        json.ignore("embd_pdrop", "resid_pdrop", "auto_map", "original_max_position_embeddings");
        // Phi-4-mini has these for its authors' code.
        json.ignore("full_attn_mod", "interpolate_factor");
        int queries = c.heads() * c.headDim();
        int keys = c.kvHeads() * c.headDim();
        return DenseDecoder.spec(json, c, i -> {
            String name = DenseDecoder.layerName(i);
            String fused = name + ".self_attn.qkv_proj";
            long all = queries + 2L * keys;
            AttentionSpec.GroupedQuery attention = new AttentionSpec.GroupedQuery(
                    c.heads(), c.kvHeads(), c.headDim(), AttentionSpec.Scores.of(1 / Math.sqrt(c.headDim())).withWindow(window),
                    new AttentionSpec.RotaryEmbedding(c.rope(), c.rotaryDim(), false), null, null, false,
                    LinearSpec.of(fused, c.hiddenSize(), queries, new WeightSpec.Rows(0, all)),
                    LinearSpec.of(fused, c.hiddenSize(), keys, new WeightSpec.Rows(queries, all)),
                    LinearSpec.of(fused, c.hiddenSize(), keys, new WeightSpec.Rows(queries + keys, all)),
                    LinearSpec.of(name + ".self_attn.o_proj", queries, c.hiddenSize(), false));
            String gateUp = name + ".mlp.gate_up_proj";
            return DenseDecoder.layer(name, c, attention, new FeedForwardSpec.SwiGlu(
                    LinearSpec.of(gateUp, c.hiddenSize(), intermediate, new WeightSpec.Rows(0, 2L * intermediate)),
                    LinearSpec.of(gateUp, c.hiddenSize(), intermediate, new WeightSpec.Rows(intermediate, 2L * intermediate)),
                    LinearSpec.of(name + ".mlp.down_proj", intermediate, c.hiddenSize(), false)));
        });
    }
}
