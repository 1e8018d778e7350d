package dev.aerie.draft;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.aerie.target.spec.ConfigJson;
import dev.aerie.target.spec.Rope;
import java.util.List;

/** Reads and writes the config.json of a draft, in SpecForge's exported form, which SGLang and vLLM read. */
final class DraftConfigJson {

    private static final String ARCHITECTURE = "LlamaForCausalLMEagle3";
    private static final String LAYER_IDS = "eagle_aux_hidden_state_layer_ids";

    private DraftConfigJson() {}

    static DraftConfig read(ConfigJson json) {
        if (!json.texts("architectures").equals(List.of(ARCHITECTURE))) {
            throw json.invalid("architectures", "[\"" + ARCHITECTURE + "\"]");
        }
        json.require("model_type", "llama");
        json.require("num_hidden_layers", "1");
        json.require("hidden_act", "silu");
        json.require("attention_bias", "false");
        json.require("mlp_bias", "false");
        json.require("tie_word_embeddings", "false");
        json.require("pretraining_tp", "1");
        // EAGLE-3.1: a norm per captured layer, and a recurrence that SpecForge and the serving engines implement differently.
        json.require("fc_norm", "false");
        json.require("norm_output", "false");
        // SpecForge's configurations for Qwen and Gemma are derived from the target's; its draft has neither windows nor experts
        // and reads none of these keys.
        json.require("use_sliding_window", "false");
        json.ignore("sliding_window", "max_window_layers", "decoder_sparse_step", "target_model_type");
        json.ignore("torch_dtype", "dtype", "use_cache", "attention_dropout", "initializer_range", "transformers_version",
                "draft_model_type", "model_name");
        int hidden = json.positive("hidden_size");
        int heads = json.positive("num_attention_heads");
        int vocabulary = json.positive("vocab_size");
        DraftConfig config = new DraftConfig(hidden, json.positive("intermediate_size"), heads,
                json.positive("num_key_value_heads", heads), json.positive("head_dim", hidden / heads),
                json.positive("target_hidden_size", hidden), vocabulary, json.positive("draft_vocab_size", vocabulary),
                json.number("rms_norm_eps", 1e-6), json.positive("max_position_embeddings", 2048), rope(json),
                captureLayers(json), token(json, "bos_token_id"), json.integers("eos_token_id"), token(json, "pad_token_id"));
        json.refuseUnread("the draft");
        return config;
    }

    /**
     * Reads the rope. SpecForge divides YaRN's mscale by mscale_all_dim even if one of them is 0; transformers, and so {@link
     * Rope}, ignores both in this case.
     */
    private static Rope rope(ConfigJson json) {
        Rope rope = Rope.read(json);
        if (!(rope instanceof Rope.Yarn yarn)) {
            return rope;
        }
        ConfigJson parameters = json.object(json.has("rope_parameters") ? "rope_parameters" : "rope_scaling");
        if (parameters.has("attention_factor") || !parameters.has("mscale") || !parameters.has("mscale_all_dim")) {
            return rope;
        }
        double attention = Rope.mscale(yarn.factor(), parameters.number("mscale"))
                / Rope.mscale(yarn.factor(), parameters.number("mscale_all_dim"));
        return new Rope.Yarn(yarn.theta(), yarn.factor(), yarn.originalMaxPositions(), yarn.betaFast(), yarn.betaSlow(),
                attention, yarn.truncate());
    }

    /**
     * Returns the captured layers as 0-based decoder layers whose outputs the draft reads, as SGLang and SpecForge number them
     * under {@code eagle_config}. vLLM and llama.cpp number the inputs of layers, so their ids are larger by one, and read a
     * top-level key.
     */
    private static List<Integer> captureLayers(ConfigJson json) {
        List<Integer> outputs = outputIds(json);
        List<Integer> inputs = json.integers(LAYER_IDS);
        List<Integer> fromInputs = inputs.stream().map(id -> id - 1).toList();
        if (!outputs.isEmpty() && !inputs.isEmpty() && !outputs.equals(fromInputs)) {
            throw json.invalid(LAYER_IDS, "each id of eagle_config." + LAYER_IDS + " plus 1: "
                    + outputs.stream().map(id -> id + 1).toList());
        }
        return outputs.isEmpty() ? fromInputs : outputs;
    }

    private static List<Integer> outputIds(ConfigJson json) {
        if (!json.has("eagle_config")) {
            json.ignore("eagle_config");
            return List.of();
        }
        ConfigJson eagle = json.object("eagle_config").ignore("use_aux_hidden_state");
        List<Integer> layers = eagle.integers(LAYER_IDS);
        eagle.refuseUnread("the draft");
        return layers;
    }

    private static Integer token(ConfigJson json, String key) {
        List<Integer> ids = json.integers(key);
        return ids.isEmpty() ? null : ids.get(0);
    }

    static ObjectNode write(DraftConfig c) {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        json.putArray("architectures").add(ARCHITECTURE);
        json.put("model_type", "llama");
        json.put("hidden_size", c.hiddenSize());
        json.put("intermediate_size", c.intermediateSize());
        json.put("num_attention_heads", c.attentionHeads());
        json.put("num_key_value_heads", c.keyValueHeads());
        json.put("head_dim", c.headDim());
        json.put("num_hidden_layers", 1);
        json.put("hidden_act", "silu");
        json.put("rms_norm_eps", c.rmsNormEps());
        json.put("attention_bias", false);
        json.put("mlp_bias", false);
        json.put("vocab_size", c.vocabSize());
        json.put("draft_vocab_size", c.draftVocabSize());
        json.put("max_position_embeddings", c.maxPositions());
        putRope(json, c.rope());
        json.put("tie_word_embeddings", false);
        json.put("bos_token_id", c.bosTokenId());
        putTokens(json, "eos_token_id", c.eosTokenIds());
        json.put("pad_token_id", c.padTokenId());
        json.put("torch_dtype", "bfloat16");
        if (c.targetHiddenSize() != c.hiddenSize()) {
            json.put("target_hidden_size", c.targetHiddenSize());
        }
        if (!c.captureLayers().isEmpty()) {
            // Both keys, each with the numbering of the engines that read it. Without them, all engines use the default layers.
            c.captureLayers().forEach(id -> json.withArray(LAYER_IDS).add(id + 1));
            ObjectNode eagle = json.putObject("eagle_config");
            c.captureLayers().forEach(eagle.putArray(LAYER_IDS)::add);
            eagle.put("use_aux_hidden_state", true);
        }
        return json;
    }

    /** Writes the rope in all three forms, so that readers of transformers 4 and 5 get the same frequencies. */
    private static void putRope(ObjectNode json, Rope rope) {
        ObjectNode parameters = rope.toParameters();
        if (rope instanceof Rope.Yarn yarn) {
            // SpecForge does not read attention_factor but both of these, which give the same factor.
            double growth = yarn.factor() <= 1 ? 0 : 0.1 * Math.log(yarn.factor());
            parameters.put("mscale", growth == 0 ? 1 : (yarn.attentionFactor() - 1) / growth).put("mscale_all_dim", 0.0);
        }
        json.put("rope_theta", rope.theta());
        if (rope instanceof Rope.Default) {
            json.putNull("rope_scaling");
        } else {
            json.set("rope_scaling", parameters.deepCopy().without("rope_theta"));
        }
        json.set("rope_parameters", parameters);
        if (rope instanceof Rope.LongRope longRope) {
            // transformers 4 reads it here.
            json.put("original_max_position_embeddings", longRope.originalMaxPositions());
        }
    }

    private static void putTokens(ObjectNode json, String key, List<Integer> ids) {
        if (ids.size() == 1) {
            json.put(key, ids.get(0));
            return;
        }
        if (ids.isEmpty()) {
            json.putNull(key);
            return;
        }
        ArrayNode list = json.putArray(key);
        ids.forEach(list::add);
    }
}
