package dev.aerie.target.family;

import dev.aerie.target.spec.ConfigJson;
import dev.aerie.target.spec.DecoderSpec;
import dev.aerie.target.spec.ExpertsSpec;
import dev.aerie.target.spec.FeedForwardSpec;
import dev.aerie.target.spec.LinearSpec;
import dev.aerie.target.spec.RouterSpec;
import dev.aerie.target.spec.WeightSpec;
import java.util.Set;

/** GLM-4.5 and 4.6 (modeling_glm4_moe.py): a few dense layers, then DeepSeek-V3's routing with grouped-query attention. */
public final class Glm4MoeFamily implements TargetFamily {

    @Override
    public Set<String> modelTypes() {
        return Set.of("glm4_moe");
    }

    @Override
    public DecoderSpec read(ConfigJson config) {
        boolean attentionBias = config.flag("attention_bias", false);
        boolean queryKeyNorm = config.flag("use_qk_norm", false);
        int experts = config.positive("n_routed_experts");
        int topK = config.positive("num_experts_per_tok");
        int intermediate = config.positive("moe_intermediate_size");
        int shared = config.integer("n_shared_experts", 1);
        int firstSparse = config.integer("first_k_dense_replace", 1);
        boolean renormalise = config.flag("norm_topk_prob", true);
        double scale = config.number("routed_scaling_factor", 1);
        RouterSpec.Groups groups = LatentDecoder.groups(config, config.positive("n_group", 1), config.positive("topk_group", 1));
        int predictors = config.integer("num_nextn_predict_layers", 0);
        config.ignore("output_router_logits", "router_aux_loss_coef");
        DecoderSpec dense = DenseDecoder.spec(config, new DenseDecoder.Variant(attentionBias, false, false, queryKeyNorm));
        int hidden = dense.config().hiddenSize();
        int layers = dense.config().layers();
        DecoderSpec spec = dense.withFeedForward(layer -> {
            if (layer < firstSparse) {
                return null;
            }
            String name = "model.layers." + layer + ".mlp";
            return new FeedForwardSpec.MixtureOfExperts(
                    new RouterSpec.Sigmoid(LinearSpec.of(name + ".gate", hidden, experts, false),
                            new WeightSpec(name + ".gate.e_score_correction_bias", experts), topK, groups, renormalise, scale),
                    ExpertsSpec.Separate.of(experts,
                            e -> FeedForwardSpec.SwiGlu.of(name + ".experts." + e, hidden, intermediate)),
                    shared == 0 ? null : FeedForwardSpec.SwiGlu.of(name + ".shared_experts", hidden, shared * intermediate),
                    null);
        });
        return spec.ignoring(name -> DeepSeekV3Family.predicts(name, layers, predictors));
    }
}
