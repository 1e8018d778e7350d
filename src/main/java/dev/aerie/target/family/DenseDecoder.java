package dev.aerie.target.family;

import dev.aerie.target.spec.AttentionSpec;
import dev.aerie.target.spec.ConfigJson;
import dev.aerie.target.spec.DecoderSpec;
import dev.aerie.target.spec.FeedForwardSpec;
import dev.aerie.target.spec.LayerSpec;
import dev.aerie.target.spec.LinearSpec;
import dev.aerie.target.spec.NormSpec;
import dev.aerie.target.spec.TargetConfig;
import dev.aerie.target.spec.WeightSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;

/**
 * The layout of Llama with its tensor names: pre-norm layers of grouped-query attention and SwiGLU. Other families reuse parts of
 * it.
 */
public final class DenseDecoder {

    /** Rotary frequencies that old checkpoints store and that follow from the configuration. */
    private static final String OLD_FREQUENCIES = ".self_attn.rotary_emb.inv_freq";

    private DenseDecoder() {}

    /** The differences between families of this layout. */
    public record Variant(boolean attentionBias, boolean outputBias, boolean mlpBias, boolean queryKeyNorm) {}

    public static DecoderSpec spec(ConfigJson json, Variant variant) {
        TargetConfig config = TargetConfig.read(json);
        json.require("hidden_act", "silu");
        int intermediate = json.positive("intermediate_size");
        return spec(json, config, i -> {
            String name = layerName(i);
            return layer(name, config, attention(name + ".self_attn", config, variant),
                    FeedForwardSpec.SwiGlu.of(name + ".mlp", config.hiddenSize(), intermediate, variant.mlpBias()));
        });
    }

    /**
     * Creates embedding, layers, norm and lm_head. Reads tie_word_embeddings and ignores keys that no forward pass depends on:
     * training settings, bookkeeping, and the type of the weights, which the files themselves give.
     */
    public static DecoderSpec spec(ConfigJson json, TargetConfig config, IntFunction<LayerSpec> layer) {
        boolean tied = json.flag("tie_word_embeddings", false);
        json.ignore("architectures", "attention_dropout", "dtype", "torch_dtype", "initializer_range", "transformers_version",
                "use_cache", "_name_or_path", "generation_config");
        List<LayerSpec> layers = new ArrayList<>();
        for (int i = 0; i < config.layers(); i++) {
            layers.add(layer.apply(i));
        }
        WeightSpec embedding = new WeightSpec("model.embed_tokens.weight", config.vocabSize(), config.hiddenSize());
        WeightSpec lmHead = new WeightSpec("lm_head.weight", config.vocabSize(), config.hiddenSize());
        return new DecoderSpec(config, embedding, layers,
                NormSpec.of("model.norm", config.hiddenSize(), config.rmsNormEps()), tied ? embedding : lmHead,
                name -> name.endsWith(OLD_FREQUENCIES) || tied && name.equals(lmHead.name()));
    }

    /** Returns the prefix of a layer's tensor names. */
    public static String layerName(int layer) {
        return "model.layers." + layer;
    }

    /** Creates a layer with its two norms; {@code name} is that of {@link #layerName}. */
    public static LayerSpec layer(String name, TargetConfig c, AttentionSpec attention, FeedForwardSpec feedForward) {
        return new LayerSpec(
                NormSpec.of(name + ".input_layernorm", c.hiddenSize(), c.rmsNormEps()), attention,
                NormSpec.of(name + ".post_attention_layernorm", c.hiddenSize(), c.rmsNormEps()), feedForward);
    }

    /** Creates attention with tensors q_proj, k_proj, v_proj and o_proj under a name, scaled by 1 / sqrt(headDim). */
    public static AttentionSpec.GroupedQuery attention(String name, TargetConfig c, Variant v) {
        int queries = c.heads() * c.headDim();
        int keys = c.kvHeads() * c.headDim();
        AttentionSpec.HeadNorms norms = !v.queryKeyNorm() ? null : new AttentionSpec.HeadNorms(
                NormSpec.of(name + ".q_norm", c.headDim(), c.rmsNormEps()),
                NormSpec.of(name + ".k_norm", c.headDim(), c.rmsNormEps()), false);
        return new AttentionSpec.GroupedQuery(
                c.heads(), c.kvHeads(), c.headDim(), AttentionSpec.Scores.of(1 / Math.sqrt(c.headDim())),
                new AttentionSpec.RotaryEmbedding(c.rope(), c.rotaryDim(), false), norms, null, false,
                LinearSpec.of(name + ".q_proj", c.hiddenSize(), queries, v.attentionBias()),
                LinearSpec.of(name + ".k_proj", c.hiddenSize(), keys, v.attentionBias()),
                LinearSpec.of(name + ".v_proj", c.hiddenSize(), keys, v.attentionBias()),
                LinearSpec.of(name + ".o_proj", queries, c.hiddenSize(), v.outputBias()));
    }
}
