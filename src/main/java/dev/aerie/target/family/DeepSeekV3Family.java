package dev.aerie.target.family;

import dev.aerie.target.spec.ConfigJson;
import dev.aerie.target.spec.DecoderSpec;
import dev.aerie.target.spec.LinearSpec;
import dev.aerie.target.spec.RouterSpec;
import dev.aerie.target.spec.WeightSpec;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** DeepSeek-V3, V3.1 and R1, and Kimi K2, which has the same code and other sizes (modeling_deepseek_v3.py). */
public final class DeepSeekV3Family implements TargetFamily {

    private static final Pattern LAYER = Pattern.compile("model\\.layers\\.(\\d{1,6})\\..*");

    @Override
    public Set<String> modelTypes() {
        return Set.of("deepseek_v3", "kimi_k2");
    }

    @Override
    public DecoderSpec read(ConfigJson config) {
        config.require("scoring_func", "sigmoid");
        config.require("topk_method", "noaux_tc");
        RouterSpec.Groups groups = LatentDecoder.groups(config, config.positive("n_group", 8), config.positive("topk_group", 4));
        boolean renormalise = config.flag("norm_topk_prob", true);
        int experts = config.positive("n_routed_experts");
        int hidden = config.positive("hidden_size");
        int topK = config.positive("num_experts_per_tok");
        double scale = config.number("routed_scaling_factor", 2.5);
        int predictors = config.integer("num_nextn_predict_layers", 0);
        DecoderSpec spec = LatentDecoder.spec(config, config.flag("rope_interleave", true), name -> new RouterSpec.Sigmoid(
                LinearSpec.of(name + ".gate", hidden, experts, false),
                new WeightSpec(name + ".gate.e_score_correction_bias", experts), topK, groups, renormalise, scale));
        int layers = spec.config().layers();
        return new DecoderSpec(spec.config(), spec.embedding(), spec.layers(), spec.norm(), spec.lmHead(),
                spec.unused().or(name -> predicts(name, layers, predictors)));
    }

    /** Returns whether a tensor belongs to multi-token prediction (arXiv 2412.19437, section 2.2), which our draft replaces. */
    static boolean predicts(String name, int layers, int predictors) {
        Matcher layer = LAYER.matcher(name);
        if (!layer.matches()) {
            return false;
        }
        int number = Integer.parseInt(layer.group(1));
        return number >= layers && number < layers + predictors;
    }
}
