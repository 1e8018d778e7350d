package dev.aerie.target.family;

import dev.aerie.target.spec.ConfigJson;
import dev.aerie.target.spec.DecoderSpec;
import java.util.Set;

/** Llama 2 and 3 (modeling_llama.py). */
public final class LlamaFamily implements TargetFamily {

    @Override
    public Set<String> modelTypes() {
        return Set.of("llama");
    }

    @Override
    public DecoderSpec read(ConfigJson config) {
        boolean attentionBias = config.flag("attention_bias", false);
        boolean mlpBias = config.flag("mlp_bias", false);
        // pretraining_tp splits the same products into parts; transformers 5 does not read it any more.
        config.ignore("pretraining_tp");
        return DenseDecoder.spec(config, new DenseDecoder.Variant(attentionBias, attentionBias, mlpBias, false));
    }
}
