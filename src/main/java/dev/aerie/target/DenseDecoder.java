package dev.aerie.target;

import java.util.ArrayList;
import java.util.List;

/** The layout that Llama began: pre-norm layers of grouped-query attention and SwiGLU, with its names of the tensors. */
public final class DenseDecoder {

    /** Rotary frequencies that old checkpoints carry and that follow from the configuration. */
    private static final String OLD_FREQUENCIES = ".self_attn.rotary_emb.inv_freq";

    private DenseDecoder() {}

    /** What families of this layout differ in. */
    public record Variant(boolean attentionBias, boolean outputBias, boolean mlpBias, boolean queryKeyNorm) {}

    public static DecoderSpec spec(ConfigJson json, Variant variant) {
        TargetConfig config = TargetConfig.read(json);
        json.require("hidden_act", "silu");
        boolean tied = json.flag("tie_word_embeddings", false);
        int intermediate = json.positive("intermediate_size");
        // What no forward depends on: training, bookkeeping, and the type of the weights, which the files themselves say.
        json.ignore("architectures", "attention_dropout", "dtype", "torch_dtype", "initializer_range", "transformers_version",
                "use_cache", "_name_or_path", "generation_config");
        List<LayerSpec> layers = new ArrayList<>();
        for (int i = 0; i < config.layers(); i++) {
            layers.add(layer("model.layers." + i, config, intermediate, variant));
        }
        WeightSpec embedding = new WeightSpec("model.embed_tokens.weight", config.vocabSize(), config.hiddenSize());
        WeightSpec lmHead = new WeightSpec("lm_head.weight", config.vocabSize(), config.hiddenSize());
        return new DecoderSpec(config, embedding, layers, NormSpec.of("model.norm", config.hiddenSize(), config.rmsNormEps()),
                tied ? embedding : lmHead,
                name -> name.endsWith(OLD_FREQUENCIES) || tied && name.equals(lmHead.name()));
    }

    private static LayerSpec layer(String name, TargetConfig c, int intermediate, Variant v) {
        String attention = name + ".self_attn";
        int queries = c.heads() * c.headDim();
        int keys = c.kvHeads() * c.headDim();
        return new LayerSpec(
                NormSpec.of(name + ".input_layernorm", c.hiddenSize(), c.rmsNormEps()),
                new AttentionSpec.GroupedQuery(
                        c.heads(), c.kvHeads(), c.headDim(), 1 / Math.sqrt(c.headDim()), c.rope(),
                        LinearSpec.of(attention + ".q_proj", c.hiddenSize(), queries, v.attentionBias()),
                        LinearSpec.of(attention + ".k_proj", c.hiddenSize(), keys, v.attentionBias()),
                        LinearSpec.of(attention + ".v_proj", c.hiddenSize(), keys, v.attentionBias()),
                        LinearSpec.of(attention + ".o_proj", queries, c.hiddenSize(), v.outputBias()),
                        v.queryKeyNorm() ? NormSpec.of(attention + ".q_norm", c.headDim(), c.rmsNormEps()) : null,
                        v.queryKeyNorm() ? NormSpec.of(attention + ".k_norm", c.headDim(), c.rmsNormEps()) : null),
                NormSpec.of(name + ".post_attention_layernorm", c.hiddenSize(), c.rmsNormEps()),
                new FeedForwardSpec.SwiGlu(
                        LinearSpec.of(name + ".mlp.gate_proj", c.hiddenSize(), intermediate, v.mlpBias()),
                        LinearSpec.of(name + ".mlp.up_proj", c.hiddenSize(), intermediate, v.mlpBias()),
                        LinearSpec.of(name + ".mlp.down_proj", intermediate, c.hiddenSize(), v.mlpBias())));
    }
}
