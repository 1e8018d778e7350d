package dev.aerie.target.family;

import dev.aerie.target.spec.ConfigJson;
import dev.aerie.target.spec.DecoderSpec;
import dev.aerie.target.spec.LinearSpec;
import dev.aerie.target.spec.RouterSpec;
import java.util.Set;

/** DeepSeek-V2 and V2.5, Lite and Coder too (modeling_deepseek_v2.py). */
public final class DeepSeekV2Family implements TargetFamily {

    @Override
    public Set<String> modelTypes() {
        return Set.of("deepseek_v2");
    }

    @Override
    public DecoderSpec read(ConfigJson config) {
        config.require("scoring_func", "softmax");
        config.require("topk_method", "greedy", "group_limited_greedy");
        boolean grouped = config.text("topk_method", "greedy").equals("group_limited_greedy");
        RouterSpec.Groups groups = grouped
                ? LatentDecoder.groups(config, config.positive("n_group"), config.positive("topk_group"))
                : RouterSpec.Groups.NONE;
        config.ignore("n_group", "topk_group");
        // DeepSeek's code then does not scale the weights, and transformers' does not normalise them; no checkpoint sets it.
        if (config.flag("norm_topk_prob", false)) {
            throw config.invalid("norm_topk_prob", "false");
        }
        int experts = config.positive("n_routed_experts");
        int hidden = config.positive("hidden_size");
        int topK = config.positive("num_experts_per_tok");
        double scale = config.number("routed_scaling_factor", 1);
        return LatentDecoder.spec(config, true, name -> new RouterSpec.Softmax(
                LinearSpec.of(name + ".gate", hidden, experts, false), topK, groups, false, scale));
    }
}
