package dev.aerie.target.spec;

import java.util.List;

/**
 * The part of config.json that all target families have.
 *
 * @param layers decoder layers
 * @param headDim dimensions of one attention head
 * @param rotaryDim number of leading dimensions of a head that are rotated
 * @param vocabSize rows of the embedding; a tokenizer may have fewer tokens
 * @param maxPositions longest sequence that the model was trained for
 * @param eosTokenIds tokens that end a generation: from generation_config.json if it names any, else from config.json; may be
 *     empty
 * @param bosTokenId null if there is none
 * @param padTokenId null if there is none
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

    /** Upper limit, because each layer costs memory before any weight is read. The deepest known models have about 130. */
    private static final int MOST_LAYERS = 10_000;

    /** Reads the keys by Llama's names, which most families use. */
    public static TargetConfig read(ConfigJson json) {
        return read(json, Rope.read(json));
    }

    /** Reads the keys by Llama's names, with a rope that the family has read. */
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
