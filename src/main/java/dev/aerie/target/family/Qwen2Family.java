package dev.aerie.target.family;

import dev.aerie.target.spec.ConfigJson;
import dev.aerie.target.spec.DecoderSpec;
import java.util.Set;

/** Qwen2 and 2.5 (modeling_qwen2.py): Llama's layout, with biases on queries, keys and values. */
public final class Qwen2Family implements TargetFamily {

    @Override
    public Set<String> modelTypes() {
        return Set.of("qwen2");
    }

    @Override
    public DecoderSpec read(ConfigJson config) {
        // Rotation by image and time, for vision-language models.
        config.require("use_mrope", "false");
        return LayerTypes.qwen(config, DenseDecoder.spec(config, new DenseDecoder.Variant(true, false, false, false)));
    }
}
