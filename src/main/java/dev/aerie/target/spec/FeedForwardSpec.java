package dev.aerie.target.spec;

import java.util.stream.Stream;

/** What a layer does with each token by itself. */
public sealed interface FeedForwardSpec {

    /** Every tensor that the layer needs for it. */
    Stream<WeightSpec> weights();

    /** What the gate goes through. */
    enum Activation {
        SILU,
        /** 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x³))) (Hendrycks and Gimpel, 2016): gelu_pytorch_tanh. */
        GELU_TANH
    }

    /** down(activation(gate(x)) · up(x)) (Shazeer, 2020; with gelu he calls it GEGLU). */
    record SwiGlu(LinearSpec gate, LinearSpec up, LinearSpec down, Activation activation) implements FeedForwardSpec {

        public SwiGlu(LinearSpec gate, LinearSpec up, LinearSpec down) {
            this(gate, up, down, Activation.SILU);
        }

        /** By the names that Llama gave: {@code name.gate_proj.weight} and so on. */
        public static SwiGlu of(String name, int hidden, int intermediate, boolean bias) {
            return new SwiGlu(
                    LinearSpec.of(name + ".gate_proj", hidden, intermediate, bias),
                    LinearSpec.of(name + ".up_proj", hidden, intermediate, bias),
                    LinearSpec.of(name + ".down_proj", intermediate, hidden, bias));
        }

        /** Without biases. */
        public static SwiGlu of(String name, int hidden, int intermediate) {
            return of(name, hidden, intermediate, false);
        }

        @Override
        public Stream<WeightSpec> weights() {
            return Stream.of(gate, up, down).flatMap(LinearSpec::weights);
        }
    }

    /**
     * A few experts for each token, and perhaps one that all tokens share.
     *
     * @param shared null where there is none
     * @param sharedGate from hidden to 1: its sigmoid scales what the shared expert adds; null where that is added as it is
     */
    record MixtureOfExperts(RouterSpec router, ExpertsSpec experts, SwiGlu shared, LinearSpec sharedGate)
            implements FeedForwardSpec {

        @Override
        public Stream<WeightSpec> weights() {
            return Stream.of(
                            router.weights(),
                            experts.weights(),
                            shared == null ? Stream.<WeightSpec>empty() : shared.weights(),
                            sharedGate == null ? Stream.<WeightSpec>empty() : sharedGate.weights())
                    .flatMap(s -> s);
        }
    }
}
