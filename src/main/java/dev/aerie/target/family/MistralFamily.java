package dev.aerie.target.family;

import dev.aerie.target.spec.ConfigJson;
import dev.aerie.target.spec.DecoderSpec;
import java.util.Set;

/** Mistral (modeling_mistral.py): Llama's layout; the first models have a sliding window in all layers. */
public final class MistralFamily implements TargetFamily {

    @Override
    public Set<String> modelTypes() {
        return Set.of("mistral");
    }

    @Override
    public DecoderSpec read(ConfigJson config) {
        int window = config.positive("sliding_window", 0);
        return DenseDecoder.spec(config, new DenseDecoder.Variant(false, false, false, false))
                .withAttention((i, a) -> a.with(a.scores().withWindow(window)));
    }
}
