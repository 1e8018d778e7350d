package dev.aerie.train;

import java.util.Iterator;
import java.util.List;

/** A rank's share of an optimizer step: micro-batches that are read on demand. */
interface RankShare {

    /** Returns the number of micro-batches; 0 if this rank has no share in the step. */
    int microBatches();

    /** Returns the tokens of all micro-batches, those of conversations that will be left out included. */
    long tokens();

    /** Reads the next micro-batch, which the caller closes. */
    MicroBatch next() throws InterruptedException;

    /** Creates a share of micro-batches that have been read already. */
    static RankShare of(List<MicroBatch> all) {
        Iterator<MicroBatch> next = all.iterator();
        return new RankShare() {
            @Override
            public int microBatches() {
                return all.size();
            }

            @Override
            public long tokens() {
                return all.stream().mapToLong(MicroBatch::tokens).sum();
            }

            @Override
            public MicroBatch next() {
                return next.next();
            }
        };
    }
}
