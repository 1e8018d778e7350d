package dev.aerie.target.spec;

import dev.aerie.torch.MixtureOfExperts.Rule;
import dev.aerie.torch.MixtureOfExperts.Scoring;
import java.util.stream.Stream;

/** The router: which experts a token goes to, and with what weights. */
public sealed interface RouterSpec {

    /** Returns the layer from hidden to the number of experts. */
    LinearSpec projection();

    Rule rule();

    /** Returns every tensor that the router needs. */
    default Stream<WeightSpec> weights() {
        return projection().weights();
    }

    /** Restricts a token to the experts of the best groups (Liu et al., 2024). */
    record Groups(int count, int chosen) {

        /** No restriction: every token may go to every expert. */
        public static final Groups NONE = new Groups(1, 1);
    }

    /**
     * Softmax over all experts, then top-k: Mixtral, Qwen3-MoE, DeepSeek-V2. The score of a group is that of its best expert.
     *
     * @param scale factor of the weights after renormalising
     */
    record Softmax(LinearSpec projection, int topK, Groups groups, boolean renormalise, double scale) implements RouterSpec {

        @Override
        public Rule rule() {
            return new Rule(Scoring.SOFTMAX, topK, groups.count(), groups.chosen(), renormalise, scale);
        }
    }

    /** Top-k experts, then softmax over them: gpt-oss. */
    record SoftmaxOfChosen(LinearSpec projection, int topK) implements RouterSpec {

        @Override
        public Rule rule() {
            return new Rule(Scoring.SOFTMAX_OF_CHOSEN, topK, false, 1);
        }
    }

    /**
     * Sigmoid scores: DeepSeek-V3, Kimi K2, GLM-4.5. The score of a group is the sum of its two best experts'.
     *
     * @param correction [experts], added only when experts are chosen, to balance the load without a loss; null if there is none
     * @param scale factor of the weights after renormalising
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

    /** Top-k experts, where the sigmoid of the score scales the <em>input</em> of the expert: Llama 4. */
    record SigmoidOfInput(LinearSpec projection, int topK) implements RouterSpec {

        @Override
        public Rule rule() {
            return new Rule(Scoring.SIGMOID_OF_CHOSEN, topK, false, 1);
        }
    }
}
