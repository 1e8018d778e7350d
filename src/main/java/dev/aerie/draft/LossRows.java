package dev.aerie.draft;

import java.util.Arrays;

/**
 * The rows of a micro-batch that are computed at each step.
 *
 * <p>Entries are pairs of row and step that carry loss, ordered by step. A row's chain depends on other rows only through the
 * step-0 keys, so rows that carry no loss at any step need no query, no MLP and no later step: the chain runs only on the query
 * rows, with consecutive ones grouped in blocks.
 *
 * @param blocks three numbers per block: first row of its sequence, first query row, end of the query rows
 * @param queryRows all rows of all blocks, ascending
 * @param bounds index of the first entry of each step; the last is the number of entries
 * @param position index of each entry's row in {@code queryRows}
 * @param teacher index of each entry's teacher in the teacher's rows
 * @param supervised counted rows of each step
 */
record LossRows(long[] blocks, int[] queryRows, int[] bounds, long[] position, long[] teacher, long[] supervised) {

    /**
     * Gaps up to this many rows stay in a block: the rows in them are computed in vain, but a block costs about as much as four
     * rows (14 calls of the fused attention operator, twice as many if a prompt precedes).
     */
    private static final int BRIDGED_GAP = 8;

    /** @param teacherIndex for each row of the batch the index of its teacher, or −1 if it must not carry loss */
    static LossRows plan(TrainingBatch batch, LossMode mode, int steps, int[] teacherIndex) {
        boolean[] needed = new boolean[batch.tokens()];
        long[] supervised = new long[steps];
        int[] count = new int[steps];
        walk(batch, mode, steps, (row, step) -> {
            supervised[step]++;
            if (teacherIndex[row + 1 + step] >= 0) {
                needed[row] = true;
                count[step]++;
            }
        });
        long[] blocks = blocks(batch, needed);
        int[] place = new int[batch.tokens()];
        int[] queryRows = queryRows(blocks, place);
        int[] bounds = new int[steps + 1];
        for (int i = 0; i < steps; i++) {
            bounds[i + 1] = bounds[i] + count[i];
        }
        int[] next = bounds.clone();
        long[] position = new long[bounds[steps]];
        long[] teacher = new long[bounds[steps]];
        walk(batch, mode, steps, (row, step) -> {
            if (teacherIndex[row + 1 + step] >= 0) {
                position[next[step]] = place[row];
                teacher[next[step]++] = teacherIndex[row + 1 + step];
            }
        });
        return new LossRows(blocks, queryRows, bounds, position, teacher, supervised);
    }

    int steps() {
        return supervised.length;
    }

    int entries() {
        return position.length;
    }

    long lossRows(int step) {
        return bounds[step + 1] - bounds[step];
    }

    private interface Visitor {
        void visit(int row, int step);
    }

    private static void walk(TrainingBatch batch, LossMode mode, int steps, Visitor visitor) {
        for (int s = 0; s < batch.sequences(); s++) {
            for (int row = batch.start(s); row < batch.end(s); row++) {
                for (int step = 0; step < steps; step++) {
                    if (mode.counts(batch.lossMask(), batch.start(s), batch.end(s), row, step)) {
                        visitor.visit(row, step);
                    }
                }
            }
        }
    }

    private static long[] blocks(TrainingBatch batch, boolean[] needed) {
        long[] blocks = new long[0];
        for (int s = 0; s < batch.sequences(); s++) {
            int last = -1;
            for (int row = batch.start(s); row < batch.end(s); row++) {
                if (!needed[row]) {
                    continue;
                }
                if (last < 0 || row - last > BRIDGED_GAP) {
                    blocks = Arrays.copyOf(blocks, blocks.length + 3);
                    blocks[blocks.length - 3] = batch.start(s);
                    blocks[blocks.length - 2] = row;
                }
                blocks[blocks.length - 1] = row + 1;
                last = row;
            }
        }
        return blocks;
    }

    private static int[] queryRows(long[] blocks, int[] place) {
        int rows = 0;
        for (int b = 0; b < blocks.length; b += 3) {
            rows += (int) (blocks[b + 2] - blocks[b + 1]);
        }
        int[] queryRows = new int[rows];
        int at = 0;
        for (int b = 0; b < blocks.length; b += 3) {
            for (int row = (int) blocks[b + 1]; row < blocks[b + 2]; row++) {
                place[row] = at;
                queryRows[at++] = row;
            }
        }
        return queryRows;
    }
}
