package dev.aerie.target.spec;

import java.util.List;

/**
 * What every family of targets has in its config.json.
 *
 * @param layers decoder layers
 * @param headDim dimensions of one attention head
 * @param rotaryDim how many of them are turned, the first ones
 * @param vocabSize rows of the embedding; a tokenizer may know fewer tokens
 * @param maxPositions longest sequence the model was made for
 * @param eosTokenIds tokens that end a generation: those of generation_config.json, else of config.json; may be empty
 * @param bosTokenId null where there is none; padTokenId likewise
 */
public record TargetConfig(
        String modelType,
        int hiddenSize,
        int layers,
        int heads,
        int kvHeads,
        int headDim,
        int rotaryDim,
        int vocabSize,
        double rmsNormEps,
        Rope rope,
        int maxPositions,
        List<Integer> eosTokenIds,
        Integer bosTokenId,
        Integer padTokenId) {

    /** Each costs memory before any weight is looked at. The deepest models known have some 130. */
    private static final int MOST_LAYERS = 10_000;

    /** Reads the keys by the names that Llama gave them and most families kept. */
    public static TargetConfig read(ConfigJson json) {
        return read(json, Rope.read(json));
    }

    /** The same, where the rope stands elsewhere than usual. */
    public static TargetConfig read(ConfigJson json, Rope rope) {
        int hidden = json.positive("hidden_size");
        int heads = json.positive("num_attention_heads");
        int kvHeads = json.positive("num_key_value_heads", heads);
        if (heads % kvHeads != 0) {
            throw json.invalid("num_key_value_heads", "a divisor of num_attention_heads = " + heads);
        }
        if (!json.has("head_dim") && hidden % heads != 0) {
            throw json.invalid("num_attention_heads", "a divisor of hidden_size = " + hidden + ", or head_dim given");
        }
        int headDim = json.positive("head_dim", hidden / heads);
        if (headDim % 2 != 0) {
            throw json.invalid("head_dim", "an even number, for rotary embedding");
        }
        return new TargetConfig(
                json.text("model_type"),
                hidden,
                layers(json),
                heads,
                kvHeads,
                headDim,
                Rope.rotaryDim(json, headDim),
                json.positive("vocab_size"),
                eps(json),
                rope,
                json.positive("max_position_embeddings", 2048),
                json.integers("eos_token_id"),
                json.has("bos_token_id") ? json.integer("bos_token_id") : null,
                json.has("pad_token_id") ? json.integer("pad_token_id") : null);
    }

    private static int layers(ConfigJson json) {
        int layers = json.positive("num_hidden_layers");
        if (layers > MOST_LAYERS) {
            throw json.invalid("num_hidden_layers", "a whole number from 1 to " + MOST_LAYERS);
        }
        return layers;
    }

    private static double eps(ConfigJson json) {
        double eps = json.number("rms_norm_eps", 1e-6);
        if (!(eps >= 0)) {
            throw json.invalid("rms_norm_eps", "a number from 0");
        }
        return eps;
    }

    public TargetConfig withEosTokenIds(List<Integer> ids) {
        return new TargetConfig(modelType, hiddenSize, layers, heads, kvHeads, headDim, rotaryDim, vocabSize, rmsNormEps, rope,
                maxPositions, List.copyOf(ids), bosTokenId, padTokenId);
    }
}
