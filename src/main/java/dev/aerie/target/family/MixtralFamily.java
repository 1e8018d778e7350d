package dev.aerie.target.family;

import dev.aerie.target.spec.ConfigJson;
import dev.aerie.target.spec.DecoderSpec;
import dev.aerie.target.spec.ExpertsSpec;
import dev.aerie.target.spec.FeedForwardSpec;
import dev.aerie.target.spec.LinearSpec;
import dev.aerie.target.spec.RouterSpec;
import java.util.Set;

/** Mixtral (modeling_mixtral.py): Mistral's attention, and experts in every layer. */
public final class MixtralFamily implements TargetFamily {

    @Override
    public Set<String> modelTypes() {
        return Set.of("mixtral");
    }

    @Override
    public DecoderSpec read(ConfigJson config) {
        int experts = config.positive("num_local_experts");
        int topK = config.positive("num_experts_per_tok");
        int intermediate = config.positive("intermediate_size");
        // These are for training, the jitter too.
        config.ignore("output_router_logits", "router_aux_loss_coef", "router_jitter_noise");
        DecoderSpec dense = new MistralFamily().read(config);
        int hidden = dense.config().hiddenSize();
        return dense.withFeedForward(layer -> {
            String name = "model.layers." + layer + ".block_sparse_moe";
            return new FeedForwardSpec.MixtureOfExperts(
                    new RouterSpec.Softmax(LinearSpec.of(name + ".gate", hidden, experts, false), topK, RouterSpec.Groups.NONE,
                            true, 1),
                    ExpertsSpec.Separate.of(experts, e -> new FeedForwardSpec.SwiGlu(
                            LinearSpec.of(name + ".experts." + e + ".w1", hidden, intermediate, false),
                            LinearSpec.of(name + ".experts." + e + ".w3", hidden, intermediate, false),
                            LinearSpec.of(name + ".experts." + e + ".w2", intermediate, hidden, false))),
                    null, null);
        });
    }
}
