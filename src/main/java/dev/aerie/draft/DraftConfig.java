package dev.aerie.draft;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.aerie.errors.RefusalException;
import dev.aerie.target.CaptureLayers;
import dev.aerie.target.layer.RotaryTable;
import dev.aerie.target.spec.ConfigJson;
import dev.aerie.target.spec.Rope;
import dev.aerie.torch.Device;
import java.util.List;

/**
 * The shape of an EAGLE-3 draft: one Llama decoder layer whose attention reads [embedding, hidden state].
 *
 * @param hiddenSize equals the width of the target's embeddings, which the draft reads
 * @param headDim width of one attention head, even
 * @param targetHiddenSize width of one captured target layer
 * @param vocabSize tokens of the target
 * @param draftVocabSize tokens that the draft can propose
 * @param rope the target's, because the draft uses the same positions
 * @param captureLayers 0-based decoder layers whose outputs the draft reads, low to high; empty for the default of [1, n/2 − 1, n
 *     − 4], which serving engines use without being told
 * @param bosTokenId null if the target has none
 * @param padTokenId null if the target has none
 */
public record DraftConfig(int hiddenSize, int intermediateSize, int attentionHeads, int keyValueHeads, int headDim,
        int targetHiddenSize, int vocabSize, int draftVocabSize, double rmsNormEps, int maxPositions, Rope rope,
        List<Integer> captureLayers, Integer bosTokenId, List<Integer> eosTokenIds, Integer padTokenId) {

    /** Number of layers that the draft reads. */
    public static final int CAPTURED = 3;

    private static final long SPECFORGE_SPARE_POSITIONS = 20;

    /** @throws RefusalException naming the key of the exported form, its value and the expected one */
    public DraftConfig {
        positive("hidden_size", hiddenSize);
        positive("intermediate_size", intermediateSize);
        positive("num_attention_heads", attentionHeads);
        positive("num_key_value_heads", keyValueHeads);
        positive("head_dim", headDim);
        positive("target_hidden_size", targetHiddenSize);
        positive("vocab_size", vocabSize);
        positive("max_position_embeddings", maxPositions);
        require(attentionHeads % keyValueHeads == 0, "num_key_value_heads", keyValueHeads,
                "a divisor of num_attention_heads, " + attentionHeads);
        require(headDim % 2 == 0, "head_dim", headDim, "an even number for rotary embedding");
        require(draftVocabSize >= 1 && draftVocabSize <= vocabSize, "draft_vocab_size", draftVocabSize, "1 to " + vocabSize);
        require(rmsNormEps > 0, "rms_norm_eps", rmsNormEps, "a positive number");
        captureLayers = List.copyOf(captureLayers);
        eosTokenIds = List.copyOf(eosTokenIds);
        require(captureLayers.isEmpty() || captureLayers.size() == CAPTURED, "eagle_aux_hidden_state_layer_ids", captureLayers,
                "exactly " + CAPTURED + " layers, or none for the default");
        require(captureLayers.stream().allMatch(layer -> layer >= 0), "eagle_aux_hidden_state_layer_ids", captureLayers,
                "layers from 0, as outputs are counted");
    }

    /**
     * Reads a config.json of the exported form, ours or SpecForge's.
     *
     * @throws RefusalException if a key is missing or mistyped, or the draft has another architecture
     */
    public static DraftConfig read(ConfigJson json) {
        return DraftConfigJson.read(json);
    }

    /** Returns the exported form, which SGLang and vLLM read. */
    public ObjectNode toJson() {
        return DraftConfigJson.write(this);
    }

    /**
     * Creates the rotary table of the draft's heads, which the caller closes.
     *
     * <p>SpecForge's dynamic rope computes its table for max_position_embeddings + 20 positions before it reads a text, so theta
     * is that of this length, in short texts too. There theta grows further in longer texts and stays so for all later ones,
     * which rotates a draft's keys differently from the queries that attend to them; here it does not grow.
     */
    RotaryTable rotary(Device device) {
        Rope fixed = rope instanceof Rope.Dynamic d
                ? new Rope.Default(new Rope.Dynamic(d.theta(), d.factor(), maxPositions)
                        .theta(headDim, maxPositions + SPECFORGE_SPARE_POSITIONS))
                : rope;
        return new RotaryTable(fixed, headDim, device);
    }

    /**
     * Returns the layers that the draft reads of a target of this depth.
     *
     * @throws RefusalException if the draft names none and the target is too shallow for the default
     */
    public int[] captureLayers(int targetLayers) {
        return captureLayers.isEmpty() ? CaptureLayers.defaults(targetLayers)
                : captureLayers.stream().mapToInt(Integer::intValue).toArray();
    }

    /** Returns the width of all heads' queries. */
    int queryWidth() {
        return attentionHeads * headDim;
    }

    /** Returns the width of all heads' keys, and of their values. */
    int keyValueWidth() {
        return keyValueHeads * headDim;
    }

    private static void positive(String key, int value) {
        require(value >= 1, key, value, "a whole number from 1");
    }

    private static void require(boolean good, String key, Object value, String expected) {
        if (!good) {
            throw new RefusalException("Invalid " + key + ": " + value + " (expected " + expected + ")");
        }
    }
}
