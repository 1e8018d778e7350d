package dev.aerie.draft;

import dev.aerie.target.layer.RotaryTable;
import dev.aerie.target.layer.RotaryTable.Rotation;
import dev.aerie.torch.Device;
import dev.aerie.torch.Tensor;

/** Some rows of a packed micro-batch, and what they read at each TTT step. Tensors come in the innermost scope. */
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

    /** int64: the rows themselves. */
    Tensor index() {
        long[] index = new long[rows.length];
        for (int j = 0; j < rows.length; j++) {
            index[j] = rows[j];
        }
        return tensor(index);
    }

    /**
     * int64: the token that each row reads at a step. Past the end of its sequence a row reads the last token there: no loss
     * depends on what such a row makes of it.
     */
    Tensor tokensRead(int step) {
        long[] tokens = new long[rows.length];
        for (int j = 0; j < rows.length; j++) {
            tokens[j] = Math.min(rows[j] + 1 + step, batch.end(sequence[j]) - 1);
        }
        return tensor(tokens);
    }

    /**
     * By the rows' positions within their sequences, moved on by the step. A rope that depends on the length of a sequence goes
     * by all of it, whichever rows these are: a query turns by the same frequencies as the keys that it meets.
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
