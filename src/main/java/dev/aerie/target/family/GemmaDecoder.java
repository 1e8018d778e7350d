package dev.aerie.target.family;

import dev.aerie.target.spec.AttentionSpec;
import dev.aerie.target.spec.ConfigJson;
import dev.aerie.target.spec.DecoderSpec;
import dev.aerie.target.spec.FeedForwardSpec;
import dev.aerie.target.spec.LayerSpec;
import dev.aerie.target.spec.NormSpec;
import dev.aerie.target.spec.Rope;
import dev.aerie.target.spec.TargetConfig;
import java.util.List;
import java.util.function.IntFunction;

/**
 * The common part of Gemma 2 and 3: norms before and after both parts of a layer, with weights stored as their difference from 1;
 * gelu in the feed-forward part; and embeddings multiplied by sqrt(hidden).
 */
final class GemmaDecoder {

    private GemmaDecoder() {}

    /**
     * @param sliding whether each layer has a sliding window
     * @param rope of each layer
     * @param queryKeyNorm whether the heads of queries and keys have norms
     */
    static DecoderSpec spec(ConfigJson json, TargetConfig c, List<Boolean> sliding, IntFunction<Rope> rope,
            boolean queryKeyNorm) {
        json.require("hidden_activation", "gelu_pytorch_tanh");
        json.require("hidden_act", "gelu_pytorch_tanh");
        json.require("use_bidirectional_attention", "false");
        // The cache class of transformers, and a second name of sliding_window that transformers does not read.
        json.ignore("cache_implementation", "sliding_window_size");
        boolean bias = json.flag("attention_bias", false);
        int intermediate = json.positive("intermediate_size");
        int window = json.positive("sliding_window", 4096);
        AttentionSpec.Scores scores = AttentionSpec.Scores.of(1 / Math.sqrt(json.number("query_pre_attn_scalar", 256)))
                .withSoftCap(json.number("attn_logit_softcapping", 0));
        double logitSoftCap = json.number("final_logit_softcapping", 0);
        json.assume("tie_word_embeddings", true);
        DenseDecoder.Variant variant = new DenseDecoder.Variant(bias, bias, false, false);
        return DenseDecoder.spec(json, c, i -> {
            String name = DenseDecoder.layerName(i);
            AttentionSpec.GroupedQuery attention = DenseDecoder.attention(name + ".self_attn", c, variant)
                    .with(sliding.get(i) ? scores.withWindow(window) : scores)
                    .with(new AttentionSpec.RotaryEmbedding(rope.apply(i), c.rotaryDim(), false));
            FeedForwardSpec.SwiGlu mlp = FeedForwardSpec.SwiGlu.of(name + ".mlp", c.hiddenSize(), intermediate);
            return new LayerSpec(
                    norm(name + ".input_layernorm", c),
                    queryKeyNorm ? attention.with(headNorms(name + ".self_attn", c)) : attention,
                    norm(name + ".post_attention_layernorm", c),
                    norm(name + ".pre_feedforward_layernorm", c),
                    new FeedForwardSpec.SwiGlu(mlp.gate(), mlp.up(), mlp.down(), FeedForwardSpec.Activation.GELU_TANH),
                    norm(name + ".post_feedforward_layernorm", c));
        }).with(norm("model.norm", c)).with(Math.sqrt(c.hiddenSize()), logitSoftCap);
    }

    private static NormSpec norm(String name, TargetConfig c) {
        return NormSpec.offsetByOne(name, c.hiddenSize(), c.rmsNormEps());
    }

    private static AttentionSpec.HeadNorms headNorms(String name, TargetConfig c) {
        return new AttentionSpec.HeadNorms(NormSpec.offsetByOne(name + ".q_norm", c.headDim(), c.rmsNormEps()),
                NormSpec.offsetByOne(name + ".k_norm", c.headDim(), c.rmsNormEps()), false);
    }
}
