package dev.aerie.draft;

import dev.aerie.torch.Gradients;
import dev.aerie.torch.Nn;
import dev.aerie.torch.Scope;
import dev.aerie.torch.SoftCrossEntropy;
import dev.aerie.torch.Tensor;

/**
 * Final norm, lm_head, loss and metrics of all steps' loss rows, and the gradient of the steps' outputs. Works in pieces of rows,
 * forward and backward of one piece together, so that only the logits of one piece are in memory.
 */
final class TttLoss {

    /** Logits of a piece: few enough that its temporaries stay in a CPU's cache, enough to occupy a GPU. */
    private static final long PIECE_ELEMENTS_CPU = 1L << 19;
    private static final long PIECE_ELEMENTS_CUDA = 1L << 26;

    private final TttForward forward;
    private final Teacher teacher;
    private final LossRows rows;

    TttLoss(TttForward forward, Teacher teacher) {
        this.forward = forward;
        this.teacher = teacher;
        this.rows = forward.rows;
    }

    /**
     * @param denominators of each step's loss
     * @param gradients accumulators of the gradients of lm_head and of the norm before it
     * @param outputs filled with the gradient of each step's output, [A, hidden], in the innermost scope
     */
    TttMetrics forwardBackward(double[] denominators, DraftTensors gradients, Tensor[] outputs) {
        TttMetrics metrics = TttMetrics.zero(rows.steps());
        for (int i = 0; i < rows.steps(); i++) {
            metrics.lossRows()[i] = rows.lossRows(i);
            metrics.supervised()[i] = rows.supervised()[i];
            outputs[i] = Tensor.zeros(forward.dtype, forward.device, forward.steps.get(i).output().shape());
        }
        try (Scope scope = Scope.open()) {
            Tensor hidden = forward.lossRows();
            Tensor teacherRows = forward.index(rows.teacher());
            Tensor weight = weight(denominators);
            Tensor gradient = Tensor.zeros(forward.dtype, forward.device, hidden.shape());
            int piece = piece();
            for (int at = 0; at < rows.entries(); at += piece) {
                int n = Math.min(piece, rows.entries() - at);
                try (Scope pieceScope = Scope.open()) {
                    Tensor x = hidden.narrow(0, at, n);
                    Tensor normed = Nn.rmsNorm(x, forward.weights.outputNorm(), forward.config.rmsNormEps());
                    Tensor logits = Nn.linear(normed, forward.weights.lmHead());
                    SoftCrossEntropy.Result result = SoftCrossEntropy.of(logits, teacher.rows(),
                            teacherRows.narrow(0, at, n), weight.narrow(0, at, n));
                    count(metrics, at, result);
                    gradient.narrow(0, at, n).copy_(backward(x, normed, result.gradient(), gradients));
                }
            }
            for (int i = 0; i < rows.steps(); i++) {
                outputs[i].addRows_(forward.lossRowsOf(i), gradient.narrow(0, rows.bounds()[i], rows.lossRows(i)));
            }
        }
        return metrics;
    }

    private Tensor backward(Tensor x, Tensor normed, Tensor logits, DraftTensors gradients) {
        Gradients.addLinearWeight(gradients.lmHead(), logits, normed);
        Gradients.RmsNormGradient norm = Gradients.rmsNorm(
                Gradients.linear(logits, forward.weights.lmHead()), x, forward.weights.outputNorm(), forward.config.rmsNormEps());
        gradients.outputNorm().add_(norm.weight());
        return norm.input();
    }

    private void count(TttMetrics metrics, int at, SoftCrossEntropy.Result result) {
        float[] loss = result.loss().toFloats();
        float[] acceptance = result.acceptance().toFloats();
        long[] argMax = result.argMax().toLongs();
        for (int j = 0; j < loss.length; j++) {
            int step = stepOf(at + j);
            metrics.loss()[step] += loss[j];
            metrics.acceptance()[step] += acceptance[j];
            metrics.correct()[step] += argMax[j] == teacher.argMax(rows.teacher()[at + j]) ? 1 : 0;
        }
    }

    private Tensor weight(double[] denominators) {
        float[] weight = new float[rows.entries()];
        for (int e = 0; e < weight.length; e++) {
            int step = stepOf(e);
            weight[e] = denominators[step] == 0 ? 0 : (float) (TttMetrics.stepWeight(step) / denominators[step]);
        }
        return Tensor.of(weight, weight.length).to(forward.device);
    }

    private int stepOf(int entry) {
        int step = 0;
        while (entry >= rows.bounds()[step + 1]) {
            step++;
        }
        return step;
    }

    private int piece() {
        long elements = forward.device.isCpu() ? PIECE_ELEMENTS_CPU : PIECE_ELEMENTS_CUDA;
        return (int) Math.max(1, Math.min(rows.entries(), elements / forward.config.draftVocabSize()));
    }
}
