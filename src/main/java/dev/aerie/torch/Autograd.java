package dev.aerie.torch;

import ai.djl.pytorch.jni.ScriptBridge;
import java.util.List;

/**
 * Reverse-mode differentiation. Nothing is recorded by default: record inside {@link #recording}.
 *
 * <pre>{@code
 * try (Autograd.Recording r = Autograd.recording()) {
 *     Tensor w = weights.asLeaf...
 * }
 * }</pre>
 */
public final class Autograd {

    private Autograd() {}

    /** While open, operators called by this thread are recorded. */
    public static final class Recording implements AutoCloseable {
        private final boolean before;

        private Recording(boolean on) {
            Script.ready();
            before = ScriptBridge.gradMode();
            ScriptBridge.setGradMode(on);
        }

        @Override
        public void close() {
            ScriptBridge.setGradMode(before);
        }
    }

    public static Recording recording() {
        return new Recording(true);
    }

    /** Stops recording inside a recording. */
    public static Recording paused() {
        return new Recording(false);
    }

    /** A leaf that shares the tensor's memory and that gradients can be asked for. */
    public static Tensor leaf(Tensor tensor) {
        return Script.tensor("leaf", tensor);
    }

    /**
     * Gradients of Σ outputs · gradOutputs with respect to inputs; frees the recorded graph.
     *
     * @param outputs tensors that were computed while recording
     * @param gradOutputs one for each output, of its shape
     * @param inputs leaves (or intermediate results) of that computation
     * @return one for each input, in its type; null where no output depends on it
     */
    public static Tensor[] grad(List<Tensor> outputs, List<Tensor> gradOutputs, List<Tensor> inputs) {
        return Script.tensors("grad", outputs, gradOutputs, inputs);
    }
}
