package dev.aerie.draft;

import dev.aerie.errors.RefusalException;
import dev.aerie.torch.Device;
import dev.aerie.torch.SoftCrossEntropy;
import dev.aerie.torch.Tensor;
import java.util.Arrays;
import java.util.List;

/**
 * The target's distributions for a micro-batch, and the rows that carry loss. Its tensors belong to the scope of its creation.
 */
public final class Teacher {

    /**
     * Logits held at a time while the whole vocabulary is read: 64 MB in float32, and at least {@link #MIN_CHUNK} entries, so
     * that the product remains a matrix product.
     */
    private static final long CHUNK_ELEMENTS = 1L << 24;
    private static final int MIN_CHUNK = 2048;

    private final SoftCrossEntropy.TeacherLogits rows;
    private final int[] argMax;
    private final LossRows lossRows;
    private final double[] denominators;

    private Teacher(SoftCrossEntropy.TeacherLogits rows, int[] argMax, LossRows lossRows, double[] denominators) {
        this.rows = rows;
        this.argMax = argMax;
        this.lossRows = lossRows;
        this.denominators = denominators;
    }

    static Teacher of(TrainingBatch batch, LossMode mode, int steps, FrozenTarget target, VocabularyIndex index, Device device) {
        int[] stored = needed(batch, mode);
        int[] teacherIndex = new int[batch.tokens()];
        Arrays.fill(teacherIndex, -1);
        SoftCrossEntropy.TeacherLogits rows = null;
        int[] argMax = new int[stored.length];
        if (stored.length > 0) {
            Tensor states = batch.teacherStates().to(device);
            if (stored.length < batch.teacherRows().length) {
                long[] which = Arrays.stream(stored).asLongStream().toArray();
                states = states.rows(Tensor.of(which, which.length).to(device));
            }
            int chunk = (int) Math.min(target.lmHead().size(0), Math.max(MIN_CHUNK, CHUNK_ELEMENTS / stored.length));
            rows = SoftCrossEntropy.teacher(states.to(target.lmHead().dtype()), target.lmHead(), index.targetIds(),
                    target.vocabulary().ids(), chunk, target.logitSoftCap());
            long[] best = rows.argMax().toLongs();
            for (int r = 0; r < best.length; r++) {
                argMax[r] = index.draftId((int) best[r]);
                if (argMax[r] >= 0) {
                    teacherIndex[(int) batch.teacherRows()[stored[r]]] = r;
                }
            }
        }
        LossRows lossRows = LossRows.plan(batch, mode, steps, teacherIndex);
        double[] denominators = new double[steps];
        for (int i = 0; i < steps; i++) {
            denominators[i] = mode == LossMode.STRICT ? lossRows.lossRows(i) : batch.tokens();
        }
        return new Teacher(rows, argMax, lossRows, denominators);
    }

    /** Returns the indices, in the batch's teacher rows, of those that a loss may use. */
    private static int[] needed(TrainingBatch batch, LossMode mode) {
        int[] stored = new int[batch.teacherRows().length];
        int count = 0;
        int at = 0;
        for (int s = 0; s < batch.sequences(); s++) {
            for (int row = batch.start(s); row < batch.end(s); row++) {
                while (at < batch.teacherRows().length && batch.teacherRows()[at] < row) {
                    at++;
                }
                if (!mode.teaches(batch.lossMask(), batch.start(s), batch.end(s), row)) {
                    continue;
                }
                if (at == batch.teacherRows().length || batch.teacherRows()[at] != row) {
                    throw new RefusalException("Invalid training batch: no teacher state of row " + row
                            + " (expected one, because " + mode + " teaches from it; does the store hold fewer teacher rows?)");
                }
                stored[count++] = at;
            }
        }
        return Arrays.copyOf(stored, count);
    }

    /**
     * Returns the denominator of each step's loss if this micro-batch were the whole step: the number of its loss rows in strict
     * mode, of its rows in specforge mode. Sum them over micro-batches and ranks if a step has several.
     */
    public double[] denominators() {
        return denominators.clone();
    }

    /** Returns the tensors on its device, which are all that {@link #with} needs; empty if no row has a teacher. */
    public List<Tensor> tensors() {
        return rows == null ? List.of() : List.of(rows.argMax(), rows.logSumExp(), rows.logits(), rows.draftLogSumExp());
    }

    /** Returns the same teacher over copies of its tensors, in the order of {@link #tensors}. */
    public Teacher with(List<Tensor> tensors) {
        SoftCrossEntropy.TeacherLogits moved = tensors.isEmpty() ? null
                : new SoftCrossEntropy.TeacherLogits(tensors.get(0), tensors.get(1), tensors.get(2), tensors.get(3));
        return new Teacher(moved, argMax, lossRows, denominators);
    }

    LossRows lossRows() {
        return lossRows;
    }

    SoftCrossEntropy.TeacherLogits rows() {
        return rows;
    }

    /** Returns the teacher's arg-max as a draft id, or −1. */
    int argMax(long teacher) {
        return argMax[(int) teacher];
    }
}
