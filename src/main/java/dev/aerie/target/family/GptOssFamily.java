package dev.aerie.target.family;

import dev.aerie.target.spec.ConfigJson;
import dev.aerie.target.spec.DecoderSpec;
import dev.aerie.target.spec.ExpertsSpec;
import dev.aerie.target.spec.FeedForwardSpec;
import dev.aerie.target.spec.LinearSpec;
import dev.aerie.target.spec.RouterSpec;
import dev.aerie.target.spec.WeightSpec;
import java.util.List;
import java.util.Set;

/** gpt-oss (modeling_gpt_oss.py): attention sinks in every layer, a sliding window in every other one, experts with biases. */
public final class GptOssFamily implements TargetFamily {

    @Override
    public Set<String> modelTypes() {
        return Set.of("gpt_oss");
    }

    @Override
    public DecoderSpec read(ConfigJson config) {
        boolean bias = config.flag("attention_bias", true);
        int experts = config.positive("num_local_experts");
        int topK = config.positive("num_experts_per_tok");
        if (config.positive("experts_per_token", topK) != topK) {
            throw config.invalid("experts_per_token", "num_experts_per_tok = " + topK);
        }
        int intermediate = config.positive("intermediate_size");
        double limit = config.number("swiglu_limit", 7);
        int window = config.positive("sliding_window");
        // The context before YaRN, which the rope's parameters contain too, and keys that only training needs.
        config.ignore("initial_context_length", "output_router_logits", "router_aux_loss_coef");
        DecoderSpec dense = DenseDecoder.spec(config, new DenseDecoder.Variant(bias, bias, false, false));
        int hidden = dense.config().hiddenSize();
        int heads = dense.config().heads();
        List<Boolean> sliding = LayerTypes.sliding(config, dense.config().layers(), layer -> layer % 2 == 0);
        return dense
                .withAttention((layer, attention) -> attention.with(attention.scores()
                        .withSinks(new WeightSpec("model.layers." + layer + ".self_attn.sinks", heads))
                        .withWindow(sliding.get(layer) ? window : 0)))
                .withFeedForward(layer -> {
                    String name = "model.layers." + layer + ".mlp";
                    return new FeedForwardSpec.MixtureOfExperts(
                            new RouterSpec.SoftmaxOfChosen(LinearSpec.of(name + ".router", hidden, experts, true), topK),
                            new ExpertsSpec.Stacked(
                                    new WeightSpec(name + ".experts.gate_up_proj", experts, hidden, 2L * intermediate),
                                    new WeightSpec(name + ".experts.gate_up_proj_bias", experts, 2L * intermediate),
                                    new WeightSpec(name + ".experts.down_proj", experts, intermediate, hidden),
                                    new WeightSpec(name + ".experts.down_proj_bias", experts, hidden),
                                    true, limit),
                            null, null);
                });
    }
}
