package dev.aerie.draft;

import dev.aerie.errors.RefusalException;
import dev.aerie.target.layer.RotaryTable;
import dev.aerie.torch.DType;
import dev.aerie.torch.Device;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;

/**
 * Loss, metrics and gradients of the EAGLE-3 draft under its training-time test (Li et al., 2025, section 3.2).
 *
 * <p>The mathematics is in docs/draft.md. One object serves one thread at a time; calls open scopes of their own and leave
 * nothing behind but what they return.
 *
 * <p>On the CPU, the same call gives the same bits for one number of threads. On CUDA, gradients differ by rounding from call to
 * call, because some of their sums have no fixed order.
 */
public final class TttTraining implements AutoCloseable {

    private final DraftParameters parameters;
    private final FrozenTarget target;
    private final LossMode mode;
    private final int steps;
    private final DType compute;
    private final Device device;
    private final RotaryTable rotary;
    private final VocabularyIndex vocabulary;

    /**
     * @param parameters float32; read anew by every call
     * @param target its tensors in {@code compute}, on the device of the parameters
     * @param steps TTT steps, 7 in EAGLE-3
     * @param compute type of the arithmetic; gradients are summed in float32 whatever it is
     * @throws RefusalException where target and draft do not fit
     */
    public TttTraining(DraftParameters parameters, FrozenTarget target, LossMode mode, int steps, DType compute) {
        if (steps < 1) {
            throw new RefusalException("Invalid ttt_length: " + steps + " (expected at least 1)");
        }
        target.require(parameters.config());
        this.parameters = parameters;
        this.target = target;
        this.mode = mode;
        this.steps = steps;
        this.compute = compute;
        this.device = parameters.flat().device();
        if (!device.isCpu() && compute == DType.F32) {
            throw new RefusalException("Invalid train.dtype: float32 (expected bfloat16 on a GPU, "
                    + "whose fused attention takes half types only)");
        }
        this.rotary = parameters.config().rotary(device);
        this.vocabulary = new VocabularyIndex(target.vocabulary(), device);
    }

    int steps() {
        return steps;
    }

    /**
     * What the target says about a micro-batch; belongs to the innermost scope.
     *
     * @throws RefusalException if the batch lacks the teacher state of a row that the loss mode teaches from
     */
    public Teacher teacher(TrainingBatch batch) {
        return Teacher.of(batch, mode, steps, target, vocabulary, device);
    }

    /**
     * Adds the gradient of Σ 0.8^i · (Σ losses of step i) / denominators[i] to an accumulator.
     *
     * @param denominators of the whole step: those of {@link Teacher#denominators} summed over its micro-batches (and ranks);
     *     a step of the TTT whose denominator is 0 contributes nothing
     * @param flatGradient float32, of the layout of the parameters
     */
    public TttMetrics forwardBackward(TrainingBatch batch, Teacher teacher, double[] denominators, Tensor flatGradient) {
        if (teacher.lossRows().entries() == 0) {
            return withoutLoss(teacher);
        }
        try (Scope scope = Scope.open()) {
            TttForward forward = new TttForward(parameters.config(), parameters.tensors(compute), target.embedTokens(), rotary,
                    batch, teacher.lossRows(), scope).run();
            DraftTensors gradients = DraftTensors.over(parameters.config(), parameters.layout(), flatGradient);
            Tensor[] outputs = new Tensor[steps];
            TttMetrics metrics = new TttLoss(forward, teacher).forwardBackward(denominators, gradients, outputs);
            new TttBackward(forward, gradients).run(outputs);
            return metrics;
        }
    }

    private TttMetrics withoutLoss(Teacher teacher) {
        TttMetrics metrics = TttMetrics.zero(steps);
        System.arraycopy(teacher.lossRows().supervised(), 0, metrics.supervised(), 0, steps);
        return metrics;
    }

    @Override
    public void close() {
        rotary.close();
        vocabulary.close();
    }
}
