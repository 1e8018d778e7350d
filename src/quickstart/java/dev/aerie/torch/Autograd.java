package dev.aerie.torch;

import ai.djl.pytorch.jni.ScriptBridge;
import java.util.List;

/**
 * Reverse-mode differentiation by libtorch's autograd, and the loss of the quickstart's target. The product computes its
 * gradients by operators of its own and has neither; the tests compare those operators with this class. Operators are recorded
 * only inside {@link #recording}. This class stands in the package of the tensors because only that package knows the engine.
 */
public final class Autograd {

    /** A row that {@link #crossEntropy} leaves out. */
    public static final long IGNORED = -100;

    private static final long MODULE = Script.module("autograd");

    private Autograd() {}

    /** While open, operators called by this thread are recorded. */
    public static final class Recording implements AutoCloseable {
        private final boolean before;

        private Recording() {
            Script.ready();
            before = ScriptBridge.gradMode();
            ScriptBridge.setGradMode(true);
        }

        @Override
        public void close() {
            ScriptBridge.setGradMode(before);
        }
    }

    public static Recording recording() {
        return new Recording();
    }

    /** A leaf that shares the tensor's memory and that gradients can be asked for. */
    public static Tensor leaf(Tensor tensor) {
        return Script.tensor(MODULE, "leaf", tensor);
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
        return Script.tensors(MODULE, "grad", outputs, gradOutputs, inputs);
    }

    /**
     * Mean over the rows of −log softmax(logits)[id].
     *
     * @param logits [T, vocabulary]
     * @param ids int64 [T], {@link #IGNORED} where a row does not count; at least one row counts
     * @return a scalar in the type of the logits
     */
    public static Tensor crossEntropy(Tensor logits, Tensor ids) {
        return Script.tensor(MODULE, "cross_entropy", logits, ids);
    }
}
