package dev.aerie.target.spec;

import java.util.stream.Stream;

/** The feed-forward part of a layer, which treats each token separately. */
public sealed interface FeedForwardSpec {

    /** Returns every tensor that the feed-forward part needs. */
    Stream<WeightSpec> weights();

    /** The activation function of the gate. */
    enum Activation {
        SILU,
        /** 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x³))) (Hendrycks and Gimpel, 2016): gelu_pytorch_tanh. */
        GELU_TANH
    }

    /** down(activation(gate(x)) · up(x)) (Shazeer, 2020, who calls it GEGLU with gelu). */
    record SwiGlu(LinearSpec gate, LinearSpec up, LinearSpec down, Activation activation) implements FeedForwardSpec {

        public SwiGlu(LinearSpec gate, LinearSpec up, LinearSpec down) {
            this(gate, up, down, Activation.SILU);
        }

        /** Creates the spec with Llama's tensor names: {@code name.gate_proj.weight} and so on. */
        public static SwiGlu of(String name, int hidden, int intermediate, boolean bias) {
            return new SwiGlu(
                    LinearSpec.of(name + ".gate_proj", hidden, intermediate, bias),
                    LinearSpec.of(name + ".up_proj", hidden, intermediate, bias),
                    LinearSpec.of(name + ".down_proj", intermediate, hidden, bias));
        }

        /** Creates the spec with Llama's tensor names and without biases. */
        public static SwiGlu of(String name, int hidden, int intermediate) {
            return of(name, hidden, intermediate, false);
        }

        @Override
        public Stream<WeightSpec> weights() {
            return Stream.of(gate, up, down).flatMap(LinearSpec::weights);
        }
    }

    /**
     * Routed experts, a few for each token, and optionally one expert that all tokens share.
     *
     * @param shared the shared expert; null if there is none
     * @param sharedGate from hidden to 1: its sigmoid scales the output of the shared expert; null if the output is not scaled
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
