package dev.aerie.draft;

import dev.aerie.target.layer.RotaryTable;
import dev.aerie.target.layer.RotaryTable.Rotation;
import dev.aerie.torch.Device;
import dev.aerie.torch.Tensor;

/** Some rows of a packed micro-batch, and their inputs at each TTT step. Tensors are returned in the innermost scope. */
final class PackedRows {

    private final TrainingBatch batch;
    private final int[] rows;
    private final int[] sequence;
    private final RotaryTable rotary;
    private final Device device;

    /** @param rows ascending */
    PackedRows(TrainingBatch batch, int[] rows, RotaryTable rotary, Device device) {
        this.batch = batch;
        this.rows = rows;
        this.rotary = rotary;
        this.device = device;
        this.sequence = new int[rows.length];
        int s = 0;
        for (int j = 0; j < rows.length; j++) {
            while (rows[j] >= batch.end(s)) {
                s++;
            }
            sequence[j] = s;
        }
    }

    int count() {
        return rows.length;
    }

    /** Returns the indices of the rows, int64. */
    Tensor index() {
        long[] index = new long[rows.length];
        for (int j = 0; j < rows.length; j++) {
            index[j] = rows[j];
        }
        return tensor(index);
    }

    /**
     * Returns the token that each row reads at a step, int64. A row past the end of its sequence reads the last token; no loss
     * depends on its result.
     */
    Tensor tokensRead(int step) {
        long[] tokens = new long[rows.length];
        for (int j = 0; j < rows.length; j++) {
            tokens[j] = Math.min(rows[j] + 1 + step, batch.end(sequence[j]) - 1);
        }
        return tensor(tokens);
    }

    /**
     * Returns the rotation at the rows' positions within their sequences plus the step. A rope that depends on the sequence's
     * length uses the whole length for any rows, so that queries rotate with the same frequencies as keys.
     */
    Rotation rotation(int step) {
        long[] positions = new long[rows.length];
        long[] lengths = new long[rows.length];
        for (int j = 0; j < rows.length; j++) {
            positions[j] = rows[j] - batch.start(sequence[j]) + step;
            lengths[j] = batch.end(sequence[j]) - batch.start(sequence[j]);
        }
        return rotary.at(positions, lengths);
    }

    private Tensor tensor(long[] values) {
        return Tensor.of(values, values.length).to(device);
    }
}
