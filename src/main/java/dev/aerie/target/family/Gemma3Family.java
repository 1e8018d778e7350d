package dev.aerie.target.family;

import dev.aerie.target.spec.ConfigJson;
import dev.aerie.target.spec.DecoderSpec;
import dev.aerie.target.spec.Rope;
import dev.aerie.target.spec.TargetConfig;
import java.util.List;
import java.util.Set;

/**
 * Gemma 3 (modeling_gemma3.py): five of six layers have a sliding window and another rope base; queries and keys have norms. Of a
 * vision-language model ({@code gemma3}), only the language model is read.
 */
public final class Gemma3Family implements TargetFamily {

    @Override
    public Set<String> modelTypes() {
        return Set.of("gemma3", "gemma3_text");
    }

    @Override
    public DecoderSpec read(ConfigJson json) {
        if (json.text("model_type").equals("gemma3_text")) {
            return language(json);
        }
        json.ignore("architectures", "dtype", "torch_dtype", "transformers_version", "initializer_range", "use_cache",
                "vision_config", "mm_tokens_per_image", "boi_token_index", "eoi_token_index", "image_token_index",
                "image_token_id", "boi_token_id", "eoi_token_id", "_name_or_path");
        ConfigJson text = json.object("text_config", "bos_token_id", "eos_token_id", "pad_token_id", "tie_word_embeddings");
        // transformers writes only values that differ from these (configuration_gemma3.py).
        text.assume("model_type", "gemma3_text").assume("vocab_size", 262_208).assume("num_attention_heads", 8)
                .assume("num_key_value_heads", 4).assume("hidden_size", 2304).assume("intermediate_size", 9216)
                .assume("num_hidden_layers", 26);
        DecoderSpec spec = language(text);
        text.refuseUnread("family gemma3");
        return spec.ignoring(name -> name.startsWith("vision_tower.") || name.startsWith("model.vision_tower.")
                || name.startsWith("multi_modal_projector.") || name.startsWith("model.multi_modal_projector."));
    }

    private static DecoderSpec language(ConfigJson json) {
        json.assume("head_dim", 256).assume("max_position_embeddings", 131_072).assume("rope_theta", 1_000_000);
        Rope global;
        Rope local;
        if (json.has("rope_parameters")) {
            json.ignore("rope_theta", "rope_local_base_freq");
            ConfigJson both = json.object("rope_parameters");
            global = Rope.read(both.object(LayerTypes.FULL), json);
            local = Rope.read(both.object(LayerTypes.SLIDING), json);
            both.refuseUnread("family gemma3");
        } else {
            global = Rope.read(json);
            local = new Rope.Default(json.number("rope_local_base_freq", 10_000));
        }
        TargetConfig config = TargetConfig.read(json, global);
        int before = json.positive("sliding_window_pattern", 6);
        int pattern = json.positive("_sliding_window_pattern", before);
        List<Boolean> sliding = LayerTypes.sliding(json, config.layers(), i -> (i + 1) % pattern != 0);
        return GemmaDecoder.spec(json, config, sliding, i -> sliding.get(i) ? local : global, true);
    }
}
