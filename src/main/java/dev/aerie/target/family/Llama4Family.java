package dev.aerie.target.family;

import dev.aerie.target.spec.AttentionSpec;
import dev.aerie.target.spec.ConfigJson;
import dev.aerie.target.spec.DecoderSpec;
import dev.aerie.target.spec.ExpertsSpec;
import dev.aerie.target.spec.FeedForwardSpec;
import dev.aerie.target.spec.LinearSpec;
import dev.aerie.target.spec.NormSpec;
import dev.aerie.target.spec.RouterSpec;
import dev.aerie.target.spec.TargetConfig;
import dev.aerie.target.spec.WeightSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * Llama 4 (modeling_llama4.py): most layers attend within a chunk and rotate; every few layers one attends to all tokens without
 * positions (NoPE); the router's score scales the input of the experts. Of a vision-language model ({@code llama4}), only the
 * language model is read.
 */
public final class Llama4Family implements TargetFamily {

    private static final String CHUNKED = "chunked_attention";

    @Override
    public Set<String> modelTypes() {
        return Set.of("llama4", "llama4_text");
    }

    @Override
    public DecoderSpec read(ConfigJson config) {
        if (config.text("model_type").equals("llama4_text")) {
            return language(config);
        }
        config.ignore("architectures", "boi_token_index", "eoi_token_index", "image_token_index", "dtype", "torch_dtype",
                "tie_word_embeddings", "transformers_version", "vision_config", "_name_or_path", "use_cache",
                "initializer_range");
        ConfigJson text = config.object("text_config");
        DecoderSpec spec = language(text);
        text.refuseUnread("family llama4");
        return spec.ignoring(name -> name.startsWith("vision_model.") || name.startsWith("multi_modal_projector."));
    }

    private static DecoderSpec language(ConfigJson config) {
        boolean bias = config.flag("attention_bias", false);
        boolean queryKeyNorm = config.flag("use_qk_norm", true);
        int chunk = config.positive("attention_chunk_size", 8192);
        AttentionSpec.Temperature temperature = config.truth("attn_temperature_tuning", true)
                ? new AttentionSpec.Temperature(config.number("floor_scale", 8192), config.number("attn_scale", 0.1))
                : null;
        int experts = config.positive("num_local_experts");
        int topK = config.positive("num_experts_per_tok", 1);
        int intermediate = config.positive("intermediate_size");
        int denseIntermediate = config.positive("intermediate_size_mlp");
        config.ignore("floor_scale", "attn_scale", "output_router_logits", "router_aux_loss_coef", "router_jitter_noise",
                "for_llm_compressor", "cache_implementation", "_attn_implementation_autoset");
        DecoderSpec dense = DenseDecoder.spec(config, new DenseDecoder.Variant(bias, bias, false, false));
        TargetConfig c = dense.config();
        List<Boolean> positions = positions(config, c.layers());
        List<String> types = config.texts("layer_types");
        if (!types.isEmpty() && (types.size() != c.layers() || !Set.of(CHUNKED, LayerTypes.FULL).containsAll(types))) {
            throw config.invalid("layer_types", CHUNKED + " or " + LayerTypes.FULL + " for each of " + c.layers() + " layers");
        }
        Set<Integer> sparse = sparse(config, c.layers());
        NormSpec norm = NormSpec.weightless(c.rmsNormEps());
        return dense
                .withAttention((layer, attention) -> {
                    boolean chunked = types.isEmpty() ? positions.get(layer) : types.get(layer).equals(CHUNKED);
                    AttentionSpec.GroupedQuery own = attention.with(attention.scores().withChunk(chunked ? chunk : 0));
                    if (!positions.get(layer)) {
                        return own.with((AttentionSpec.RotaryEmbedding) null).with(temperature);
                    }
                    return own.with(new AttentionSpec.RotaryEmbedding(c.rope(), c.headDim(), true))
                            .with(queryKeyNorm ? new AttentionSpec.HeadNorms(norm, norm, true) : null);
                })
                .withFeedForward(layer -> {
                    String name = "model.layers." + layer + ".feed_forward";
                    if (!sparse.contains(layer)) {
                        return FeedForwardSpec.SwiGlu.of(name, c.hiddenSize(), denseIntermediate);
                    }
                    return new FeedForwardSpec.MixtureOfExperts(
                            new RouterSpec.SigmoidOfInput(LinearSpec.of(name + ".router", c.hiddenSize(), experts, false), topK),
                            new ExpertsSpec.Stacked(
                                    new WeightSpec(name + ".experts.gate_up_proj", experts, c.hiddenSize(), 2L * intermediate),
                                    null,
                                    new WeightSpec(name + ".experts.down_proj", experts, intermediate, c.hiddenSize()),
                                    null, false, null),
                            FeedForwardSpec.SwiGlu.of(name + ".shared_expert", c.hiddenSize(), intermediate), null);
                });
    }

    /** Returns whether each layer rotates; published files leave the list empty. */
    private static List<Boolean> positions(ConfigJson config, int layers) {
        List<Integer> given = config.integers("no_rope_layers");
        int interval = config.positive("no_rope_layer_interval", 4);
        if (!given.isEmpty() && given.size() != layers) {
            throw config.invalid("no_rope_layers", "0 or 1 for each of " + layers + " layers");
        }
        List<Boolean> out = new ArrayList<>();
        for (int i = 0; i < layers; i++) {
            // Contrary to the name, 1 stands for a layer with rope.
            out.add(given.isEmpty() ? (i + 1) % interval != 0 : given.get(i) != 0);
        }
        return out;
    }

    /** Returns the layers that have experts. */
    private static Set<Integer> sparse(ConfigJson config, int layers) {
        int step = config.positive("interleave_moe_layer_step", 1);
        boolean given = config.has("moe_layers");
        List<Integer> out = new ArrayList<>(config.integers("moe_layers"));
        for (int i = step - 1; !given && i < layers; i += step) {
            out.add(i);
        }
        return Set.copyOf(out);
    }
}
