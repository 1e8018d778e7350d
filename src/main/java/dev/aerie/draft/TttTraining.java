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
 * <p>docs/draft.md has the mathematics. One thread at a time uses an object; calls open their own scopes and keep nothing but
 * what they return.
 *
 * <p>On the CPU, the same call gives the same bits for one number of threads. On CUDA, gradients differ by rounding from call to
 * call, because some sums have no fixed order.
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
     * @param parameters float32; read again by every call
     * @param target tensors in {@code compute}, on the device of the parameters
     * @param steps TTT steps, 7 in EAGLE-3
     * @param compute type of the arithmetic; gradients are always summed in float32
     * @throws RefusalException if target and draft do not fit
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
     * Returns the target's distributions for a micro-batch; belongs to the innermost scope.
     *
     * @throws RefusalException if the batch lacks a teacher state that the loss mode uses
     */
    public Teacher teacher(TrainingBatch batch) {
        return Teacher.of(batch, mode, steps, target, vocabulary, device);
    }

    /**
     * Adds the gradient of Σ 0.8^i · (Σ losses of step i) / denominators[i] to an accumulator.
     *
     * @param denominators of the whole optimizer step: those of {@link Teacher#denominators} summed over its micro-batches and
     *     ranks; a TTT step whose denominator is 0 contributes nothing
     * @param flatGradient float32, in the layout of the parameters
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
