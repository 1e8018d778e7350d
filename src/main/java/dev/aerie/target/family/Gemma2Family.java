package dev.aerie.target.family;

import dev.aerie.target.spec.ConfigJson;
import dev.aerie.target.spec.DecoderSpec;
import dev.aerie.target.spec.TargetConfig;
import java.util.List;
import java.util.Set;

/** Gemma 2 (modeling_gemma2.py): soft caps on scores and logits, a sliding window in every other layer. */
public final class Gemma2Family implements TargetFamily {

    @Override
    public Set<String> modelTypes() {
        return Set.of("gemma2");
    }

    @Override
    public DecoderSpec read(ConfigJson json) {
        TargetConfig config = TargetConfig.read(json);
        List<Boolean> sliding = LayerTypes.sliding(json, config.layers(), i -> i % 2 == 0);
        return GemmaDecoder.spec(json, config, sliding, i -> config.rope(), false);
    }
}
