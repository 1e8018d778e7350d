package dev.aerie.target.family;

import dev.aerie.target.spec.ConfigJson;
import dev.aerie.target.spec.DecoderSpec;
import dev.aerie.target.spec.ExpertsSpec;
import dev.aerie.target.spec.FeedForwardSpec;
import dev.aerie.target.spec.LinearSpec;
import dev.aerie.target.spec.RouterSpec;
import java.util.List;
import java.util.Set;

/**
 * Qwen3-MoE (modeling_qwen3_moe.py): dense Qwen3's attention, with a sliding window in all layers or none, and experts in the
 * layers that are not listed as dense.
 */
public final class Qwen3MoeFamily implements TargetFamily {

    @Override
    public Set<String> modelTypes() {
        return Set.of("qwen3_moe");
    }

    @Override
    public DecoderSpec read(ConfigJson config) {
        // transformers 5 writes the number under another name.
        int experts = config.has("num_experts") ? config.positive("num_experts") : config.positive("num_local_experts");
        config.ignore("num_local_experts");
        int topK = config.positive("num_experts_per_tok");
        int intermediate = config.positive("moe_intermediate_size");
        boolean renormalise = config.flag("norm_topk_prob", false);
        int step = config.positive("decoder_sparse_step", 1);
        List<Integer> denseLayers = config.integers("mlp_only_layers");
        config.ignore("output_router_logits", "router_aux_loss_coef");
        boolean attentionBias = config.flag("attention_bias", false);
        int window = config.flag("use_sliding_window", false) ? config.positive("sliding_window") : 0;
        // Unlike in dense Qwen3, the sliding window does not depend on the layer.
        config.ignore("sliding_window", "max_window_layers");
        DecoderSpec dense = DenseDecoder.spec(config, new DenseDecoder.Variant(attentionBias, attentionBias, false, true))
                .withAttention((layer, a) -> a.with(a.scores().withWindow(window)));
        int hidden = dense.config().hiddenSize();
        return dense.withFeedForward(layer -> {
            if ((layer + 1) % step != 0 || denseLayers.contains(layer)) {
                return null;
            }
            String name = "model.layers." + layer + ".mlp";
            return new FeedForwardSpec.MixtureOfExperts(
                    new RouterSpec.Softmax(LinearSpec.of(name + ".gate", hidden, experts, false), topK, RouterSpec.Groups.NONE,
                            renormalise, 1),
                    ExpertsSpec.Separate.of(experts,
                            e -> FeedForwardSpec.SwiGlu.of(name + ".experts." + e, hidden, intermediate)),
                    null, null);
        });
    }
}
