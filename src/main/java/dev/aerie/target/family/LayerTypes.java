package dev.aerie.target.family;

import dev.aerie.target.spec.ConfigJson;
import dev.aerie.target.spec.DecoderSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.IntPredicate;

/**
 * Determines which layers have a sliding window: from {@code layer_types}, written by transformers 5, or by the family's rule.
 */
final class LayerTypes {

    static final String FULL = "full_attention";
    static final String SLIDING = "sliding_attention";

    private LayerTypes() {}

    /**
     * @param rule of the family, for configurations without layer types
     * @return whether each layer has a sliding window
     */
    static List<Boolean> sliding(ConfigJson json, int layers, IntPredicate rule) {
        List<String> types = json.texts("layer_types");
        if (!types.isEmpty() && (types.size() != layers || !Set.of(FULL, SLIDING).containsAll(types))) {
            throw json.invalid("layer_types", FULL + " or " + SLIDING + " for each of " + layers + " layers");
        }
        List<Boolean> out = new ArrayList<>();
        for (int i = 0; i < layers; i++) {
            out.add(types.isEmpty() ? rule.test(i) : types.get(i).equals(SLIDING));
        }
        return out;
    }

    /** Applies the keys of Qwen2 and Qwen3: with use_sliding_window, layers from max_window_layers on have a sliding window. */
    static DecoderSpec qwen(ConfigJson json, DecoderSpec full) {
        boolean used = json.flag("use_sliding_window", false);
        int from = json.integer("max_window_layers", 28);
        if (!used) {
            json.ignore("sliding_window");
        }
        List<Boolean> sliding = sliding(json, full.layers().size(), i -> used && i >= from);
        if (!sliding.contains(true)) {
            return full;
        }
        if (!used) {
            throw json.invalid("layer_types", FULL + " for every layer, because use_sliding_window is false");
        }
        int window = json.positive("sliding_window");
        return full.withAttention((i, a) -> sliding.get(i) ? a.with(a.scores().withWindow(window)) : a);
    }
}
