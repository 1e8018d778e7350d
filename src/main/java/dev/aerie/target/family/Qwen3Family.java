package dev.aerie.target.family;

import dev.aerie.target.spec.ConfigJson;
import dev.aerie.target.spec.DecoderSpec;
import java.util.Set;

/** Dense Qwen3 (modeling_qwen3.py): Llama's layout, with a norm on each head of the queries and keys. */
public final class Qwen3Family implements TargetFamily {

    @Override
    public Set<String> modelTypes() {
        return Set.of("qwen3");
    }

    @Override
    public DecoderSpec read(ConfigJson config) {
        boolean attentionBias = config.flag("attention_bias", false);
        return LayerTypes.qwen(config,
                DenseDecoder.spec(config, new DenseDecoder.Variant(attentionBias, attentionBias, false, true)));
    }
}
