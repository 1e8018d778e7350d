package dev.aerie.target.spec;

import dev.aerie.torch.MixtureOfExperts.Rule;
import dev.aerie.torch.MixtureOfExperts.Scoring;
import java.util.stream.Stream;

/** Which experts a token goes to, and with what weights. */
public sealed interface RouterSpec {

    /** From hidden to the number of experts. */
    LinearSpec projection();

    Rule rule();

    /** Every tensor that the router needs. */
    default Stream<WeightSpec> weights() {
        return projection().weights();
    }

    /** A token's experts come from the best groups only (Liu et al., 2024). */
    record Groups(int count, int chosen) {

        /** Every expert is open to every token. */
        public static final Groups NONE = new Groups(1, 1);
    }

    /**
     * Softmax, then the largest: Mixtral, Qwen3-MoE, DeepSeek-V2, where a group counts as its best expert.
     *
     * @param scale of the weights, after renormalising
     */
    record Softmax(LinearSpec projection, int topK, Groups groups, boolean renormalise, double scale) implements RouterSpec {

        @Override
        public Rule rule() {
            return new Rule(Scoring.SOFTMAX, topK, groups.count(), groups.chosen(), renormalise, scale);
        }
    }

    /** The largest, then softmax over them: gpt-oss. */
    record SoftmaxOfChosen(LinearSpec projection, int topK) implements RouterSpec {

        @Override
        public Rule rule() {
            return new Rule(Scoring.SOFTMAX_OF_CHOSEN, topK, false, 1);
        }
    }

    /**
     * Sigmoids: DeepSeek-V3, Kimi K2, GLM-4.5. A group counts as the sum of its two best experts.
     *
     * @param correction [experts], added for the choice alone, which balances the load without a loss; null without
     * @param scale of the weights, after renormalising
     */
    record Sigmoid(LinearSpec projection, WeightSpec correction, int topK, Groups groups, boolean renormalise, double scale)
            implements RouterSpec {

        @Override
        public Rule rule() {
            return new Rule(Scoring.SIGMOID, topK, groups.count(), groups.chosen(), renormalise, scale);
        }

        @Override
        public Stream<WeightSpec> weights() {
            return Stream.concat(projection.weights(), Stream.of(correction).filter(w -> w != null));
        }
    }

    /** The largest, whose sigmoids scale what <em>enters</em> the experts: Llama 4. */
    record SigmoidOfInput(LinearSpec projection, int topK) implements RouterSpec {

        @Override
        public Rule rule() {
            return new Rule(Scoring.SIGMOID_OF_CHOSEN, topK, false, 1);
        }
    }
}
