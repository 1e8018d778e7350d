package dev.aerie.torch;

import java.util.List;

/**
 * Feed-forward layers of which each token uses a few experts (Shazeer et al., 2017): who goes where, and the experts themselves.
 *
 * <p>Tokens are sorted by expert, each expert that has any multiplies its rows in one go, and the results return to their tokens:
 * memory and work are proportional to tokens times top k, whatever the number of experts. Only for running; autograd does not
 * record it.
 */
public final class MixtureOfExperts {

    private MixtureOfExperts() {}

    /** From router logits to the weights of the chosen experts; the ordinals are those of {@code route} in moe.py. */
    public enum Scoring {
        /** Softmax over all experts, of which the largest are chosen; a group of experts counts as its best. */
        SOFTMAX,
        /** The largest logits are chosen and softmax is over them alone. */
        SOFTMAX_OF_CHOSEN,
        /** Each expert by its own sigmoid; a group counts as the sum of its two best (Liu et al., 2024: DeepSeek-V3). */
        SIGMOID,
        /** The largest logits are chosen; their sigmoids are the weights. By logits, because sigmoids round to 1 and tie. */
        SIGMOID_OF_CHOSEN
    }

    /**
     * How tokens choose.
     *
     * @param groups of as many consecutive experts each, of which {@code chosenGroups} are open to a token; 1 for no groups
     * @param renormalise whether the weights of a token are divided by their sum
     * @param scale of the weights after that
     */
    public record Rule(Scoring scoring, int topK, int groups, int chosenGroups, boolean renormalise, double scale) {

        /** Without groups. */
        public Rule(Scoring scoring, int topK, boolean renormalise, double scale) {
            this(scoring, topK, 1, 1, renormalise, scale);
        }
    }

    /**
     * Where the tokens go.
     *
     * @param experts int64 [T, top k]
     * @param weights [T, top k], float32
     */
    public record Routing(Tensor experts, Tensor weights) {}

    /**
     * Computed in float32 throughout, whatever the type of x.
     *
     * @param x [T, hidden]
     * @param weight [experts, hidden], float32 lest it be converted at each call
     * @param bias [experts] of the logits, float32, or null
     * @param correction [experts], float32, or null: added to the scores for the choice alone
     */
    public static Routing route(Tensor x, Tensor weight, Tensor bias, Tensor correction, Rule rule) {
        Tensor[] out = Script.tensors("route", x, weight, bias, correction, rule.scoring().ordinal(), rule.topK(), rule.groups(),
                rule.chosenGroups(), rule.renormalise(), rule.scale());
        return new Routing(out[0], out[1]);
    }

    /**
     * SwiGLU experts, each with tensors of its own.
     *
     * @param x [T, hidden]
     * @param weightedInput whether the weights scale what enters an expert instead of what leaves it
     * @param gate for each expert [intermediate, hidden]; up likewise
     * @param down for each expert [hidden, intermediate]
     * @return [T, hidden]: for each token the weighted sum over its experts
     */
    public static Tensor separate(
            Tensor x, Routing routing, boolean weightedInput, List<Tensor> gate, List<Tensor> up, List<Tensor> down) {
        return Script.tensor("experts_separate", x, routing.experts(), routing.weights(), weightedInput, gate, up, down);
    }

    /**
     * The same experts, their tensors put together: on a GPU in bfloat16 all of them at once where libtorch has a grouped product
     * (2.8 and later).
     *
     * @param gate [experts, intermediate, hidden]; up likewise
     * @param down [experts, hidden, intermediate]
     */
    public static Tensor together(Tensor x, Routing routing, boolean weightedInput, Tensor gate, Tensor up, Tensor down) {
        return grouped("experts_together", x, List.of(gate, down),
                x, routing.experts(), routing.weights(), weightedInput, gate, up, down);
    }

    /**
     * SwiGLU experts in stacked tensors, which multiply from the right; grouped as {@link #together}.
     *
     * @param gateUp [experts, hidden, 2 · intermediate]
     * @param gateUpBias [experts, 2 · intermediate], or null
     * @param down [experts, intermediate, hidden]
     * @param downBias [experts, hidden], or null
     * @param interleaved whether columns of gate and up alternate, instead of being halves
     * @param limit null for silu(gate) · up; else the clamped form: (clamp(up) + 1) · gate · sigmoid(1.702 · gate), gate not
     *     above the limit, up within it on both sides
     */
    public static Tensor stacked(Tensor x, Routing routing, boolean weightedInput, Tensor gateUp, Tensor gateUpBias, Tensor down,
            Tensor downBias, boolean interleaved, Double limit) {
        return grouped("experts_stacked", x, List.of(gateUp, down), x, routing.experts(), routing.weights(), weightedInput,
                gateUp, gateUpBias, down, downBias, interleaved, limit);
    }

    /** By the grouped product where the device runs it and the tensors' type and shapes suit it, else by a product per expert. */
    private static Tensor grouped(String method, Tensor x, List<Tensor> weights, Object... arguments) {
        return Kernels.of(x.device()).groupedExperts() && weights.stream().allMatch(w -> Script.flag("fits_grouped", x, w))
                ? Script.tensor(Script.Variant.GROUPED, method, arguments)
                : Script.tensor(method, arguments);
    }
}
