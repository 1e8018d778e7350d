package dev.aerie.target.spec;

import java.util.List;
import java.util.function.Function;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** The experts of a layer and how their weights are stored. */
public sealed interface ExpertsSpec {

    /** Returns every tensor that the experts need. */
    Stream<WeightSpec> weights();

    /** Three tensors for each expert, without biases. */
    record Separate(List<FeedForwardSpec.SwiGlu> experts) implements ExpertsSpec {

        /** @param expert returns the tensors of the expert with a number, from 0 */
        public static Separate of(int count, Function<Integer, FeedForwardSpec.SwiGlu> expert) {
            return new Separate(IntStream.range(0, count).boxed().map(expert).toList());
        }

        @Override
        public Stream<WeightSpec> weights() {
            return experts.stream().flatMap(FeedForwardSpec.SwiGlu::weights);
        }
    }

    /**
     * All experts in one tensor, stored as [in, out].
     *
     * @param gateUp [experts, hidden, 2 · intermediate]
     * @param gateUpBias [experts, 2 · intermediate], or null
     * @param down [experts, intermediate, hidden]
     * @param downBias [experts, hidden], or null
     * @param interleaved whether columns of gate and up alternate, instead of being halves
     * @param limit the clamp of gpt-oss's activation; null for SwiGLU
     */
    record Stacked(WeightSpec gateUp, WeightSpec gateUpBias, WeightSpec down, WeightSpec downBias, boolean interleaved,
            Double limit) implements ExpertsSpec {

        @Override
        public Stream<WeightSpec> weights() {
            return Stream.of(gateUp, gateUpBias, down, downBias).filter(w -> w != null);
        }
    }
}
