package dev.aerie.target;

import java.util.Set;

/** Dense Qwen3 (modeling_qwen3.py): as Llama, with a norm on each head of the queries and keys. */
public final class Qwen3Family implements TargetFamily {

    @Override
    public Set<String> modelTypes() {
        return Set.of("qwen3");
    }

    @Override
    public DecoderSpec read(ConfigJson config) {
        boolean attentionBias = config.flag("attention_bias", false);
        if (config.flag("use_sliding_window", false)) {
            throw config.invalid("use_sliding_window", "false");
        }
        if (!config.texts("layer_types").stream().allMatch("full_attention"::equals)) {
            throw config.invalid("layer_types", "full_attention for every layer");
        }
        // Without use_sliding_window neither has an effect.
        config.ignore("sliding_window", "max_window_layers");
        return DenseDecoder.spec(config, new DenseDecoder.Variant(attentionBias, attentionBias, false, true));
    }
}
