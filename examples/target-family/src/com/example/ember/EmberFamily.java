package com.example.ember;

import dev.aerie.target.family.TargetFamily;
import dev.aerie.target.spec.AttentionSpec;
import dev.aerie.target.spec.ConfigJson;
import dev.aerie.target.spec.DecoderSpec;
import dev.aerie.target.spec.FeedForwardSpec;
import dev.aerie.target.spec.LayerSpec;
import dev.aerie.target.spec.LinearSpec;
import dev.aerie.target.spec.NormSpec;
import dev.aerie.target.spec.Rope;
import dev.aerie.target.spec.TargetConfig;
import dev.aerie.target.spec.WeightSpec;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;

/** Ember, a family invented to show how one is added: it computes what Qwen3 does and has its own names for everything. */
public final class EmberFamily implements TargetFamily {

    @Override
    public Set<String> modelTypes() {
        return Set.of("ember");
    }

    @Override
    public DecoderSpec read(ConfigJson json) {
        int heads = json.positive("n_heads");
        int headDim = json.positive("d_head");
        TargetConfig config = new TargetConfig(
                json.text("model_type"), json.positive("d_model"), json.positive("n_layers"), heads,
                json.positive("n_kv_heads", heads), headDim, headDim, json.positive("vocab_size"), json.number("norm_eps", 1e-5),
                new Rope.Default(json.number("rope_theta")), json.positive("context"), json.integers("eos_token_id"), null, null);
        int intermediate = json.positive("d_ff");
        json.require("activation", "silu");
        // Neither changes what is computed.
        json.ignore("trained_tokens", "dtype");

        List<LayerSpec> layers = IntStream.range(0, config.layers())
                .mapToObj(i -> layer("blocks." + i, config, intermediate)).toList();
        WeightSpec embedding = new WeightSpec("wte.weight", config.vocabSize(), config.hiddenSize());
        NormSpec norm = NormSpec.of("norm_f", config.hiddenSize(), config.rmsNormEps());
        // The embedding is the head too, and checkpoints hold a counter that nobody needs.
        return new DecoderSpec(config, embedding, layers, norm, embedding, name -> name.equals("step"));
    }

    private static LayerSpec layer(String name, TargetConfig c, int intermediate) {
        int hidden = c.hiddenSize();
        int queries = c.heads() * c.headDim();
        int keys = c.kvHeads() * c.headDim();
        AttentionSpec attention = new AttentionSpec.GroupedQuery(
                c.heads(), c.kvHeads(), c.headDim(), AttentionSpec.Scores.of(1 / Math.sqrt(c.headDim())),
                new AttentionSpec.RotaryEmbedding(c.rope(), c.rotaryDim(), false),
                new AttentionSpec.HeadNorms(NormSpec.of(name + ".attn.norm_q", c.headDim(), c.rmsNormEps()),
                        NormSpec.of(name + ".attn.norm_k", c.headDim(), c.rmsNormEps()), false),
                null, false,
                LinearSpec.of(name + ".attn.q", hidden, queries, false), LinearSpec.of(name + ".attn.k", hidden, keys, false),
                LinearSpec.of(name + ".attn.v", hidden, keys, false), LinearSpec.of(name + ".attn.o", queries, hidden, false));
        FeedForwardSpec feedForward = new FeedForwardSpec.SwiGlu(
                LinearSpec.of(name + ".mlp.w1", hidden, intermediate, false),
                LinearSpec.of(name + ".mlp.w3", hidden, intermediate, false),
                LinearSpec.of(name + ".mlp.w2", intermediate, hidden, false));
        return new LayerSpec(NormSpec.of(name + ".norm_1", hidden, c.rmsNormEps()), attention,
                NormSpec.of(name + ".norm_2", hidden, c.rmsNormEps()), feedForward);
    }
}
