package dev.aerie.torch;

import java.util.List;

/**
 * Routed feed-forward layers, where each token uses a few experts (Shazeer et al., 2017): the router and the experts.
 *
 * <p>Tokens are sorted by expert, each expert with tokens multiplies its rows at once, and the results are returned to the order
 * of the tokens: memory and work are proportional to tokens times top-k, whatever the number of experts. Forward only; autograd
 * does not record it.
 * record it.
 */
public final class MixtureOfExperts {

    private MixtureOfExperts() {}

    /** Computes weights of the chosen experts from router logits; the ordinals are those of {@code route} in moe.py. */
    public enum Scoring {
        /** Softmax over all experts, then top-k; the score of a group is that of its best expert. */
        SOFTMAX,
        /** Top-k logits, then softmax over them. */
        SOFTMAX_OF_CHOSEN,
        /** A sigmoid per expert; the score of a group is the sum of its two best (Liu et al., 2024: DeepSeek-V3). */
        SIGMOID,
        /** Top-k logits, whose sigmoids are the weights. Chosen by logits, because sigmoids round to 1 and tie. */
        SIGMOID_OF_CHOSEN
    }

    /**
     * The rule by which tokens choose experts.
     *
     * @param groups number of groups of consecutive experts, of which a token may use {@code chosenGroups}; 1 for no groups
     * @param renormalise whether the weights of a token are divided by their sum
     * @param scale factor of the weights after that
     */
    public record Rule(Scoring scoring, int topK, int groups, int chosenGroups, boolean renormalise, double scale) {

        /** Creates a rule without groups. */
        public Rule(Scoring scoring, int topK, boolean renormalise, double scale) {
            this(scoring, topK, 1, 1, renormalise, scale);
        }
    }

    /**
     * The chosen experts of each token.
     *
     * @param experts int64 [T, top k]
     * @param weights [T, top k], float32
     */
    public record Routing(Tensor experts, Tensor weights) {}

    /**
     * Routes tokens; all of it is computed in float32, whatever the type of x.
     *
     * @param x [T, hidden]
     * @param weight [experts, hidden], float32 so that no call converts it
     * @param bias [experts], added to the logits, float32, or null
     * @param correction [experts], float32, or null: added to the scores only when experts are chosen
     */
    public static Routing route(Tensor x, Tensor weight, Tensor bias, Tensor correction, Rule rule) {
        Tensor[] out = Script.tensors("route", x, weight, bias, correction, rule.scoring().ordinal(), rule.topK(), rule.groups(),
                rule.chosenGroups(), rule.renormalise(), rule.scale());
        return new Routing(out[0], out[1]);
    }

    /**
     * Applies SwiGLU experts stored in separate tensors.
     *
     * @param x [T, hidden]
     * @param weightedInput whether the weights scale the input of an expert instead of its output
     * @param gate [intermediate, hidden] for each expert
     * @param up [intermediate, hidden] for each expert
     * @param down [hidden, intermediate] for each expert
     * @return [T, hidden]: for each token the weighted sum over its experts
     */
    public static Tensor separate(
            Tensor x, Routing routing, boolean weightedInput, List<Tensor> gate, List<Tensor> up, List<Tensor> down) {
        return Script.tensor("experts_separate", x, routing.experts(), routing.weights(), weightedInput, gate, up, down);
    }

    /**
     * Applies SwiGLU experts stored in stacked tensors [out, in]: in one launch on a GPU in bfloat16 if libtorch has a grouped
     * product (2.8 and later).
     *
     * @param gate [experts, intermediate, hidden]
     * @param up [experts, intermediate, hidden]
     * @param down [experts, hidden, intermediate]
     */
    public static Tensor together(Tensor x, Routing routing, boolean weightedInput, Tensor gate, Tensor up, Tensor down) {
        return grouped("experts_together", x, List.of(gate, down),
                x, routing.experts(), routing.weights(), weightedInput, gate, up, down);
    }

    /**
     * Applies SwiGLU experts stored in stacked tensors [in, out]; grouped like {@link #together}.
     *
     * @param gateUp [experts, hidden, 2 · intermediate]
     * @param gateUpBias [experts, 2 · intermediate], or null
     * @param down [experts, intermediate, hidden]
     * @param downBias [experts, hidden], or null
     * @param interleaved whether columns of gate and up alternate, instead of being halves
     * @param limit null for silu(gate) · up; else the clamp L of gpt-oss's activation, (clamp(up, −L, L) + 1) · g · sigmoid(1.702
     *     · g), where g = min(gate, L)
     */
    public static Tensor stacked(Tensor x, Routing routing, boolean weightedInput, Tensor gateUp, Tensor gateUpBias, Tensor down,
            Tensor downBias, boolean interleaved, Double limit) {
        return grouped("experts_stacked", x, List.of(gateUp, down), x, routing.experts(), routing.weights(), weightedInput,
                gateUp, gateUpBias, down, downBias, interleaved, limit);
    }

    /** Uses the grouped product if the device runs it and the tensors' type and shapes suit it, else one product per expert. */
    private static Tensor grouped(String method, Tensor x, List<Tensor> weights, Object... arguments) {
        return Kernels.of(x.device()).groupedExperts() && weights.stream().allMatch(w -> Script.flag("fits_grouped", x, w))
                ? Script.tensor(Script.Variant.GROUPED, method, arguments)
                : Script.tensor(method, arguments);
    }
}
