package dev.aerie.target;

import java.util.stream.Stream;

/** What a layer does with each token by itself. */
public sealed interface FeedForwardSpec {

    /** Every tensor that the layer needs for it. */
    Stream<WeightSpec> weights();

    /** down(silu(gate(x)) · up(x)) (Shazeer, 2020). */
    record SwiGlu(LinearSpec gate, LinearSpec up, LinearSpec down) implements FeedForwardSpec {

        @Override
        public Stream<WeightSpec> weights() {
            return Stream.of(gate, up, down).flatMap(LinearSpec::weights);
        }
    }
}
