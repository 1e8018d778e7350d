package dev.aerie.train;

import java.util.Iterator;
import java.util.List;

/** What a rank trains on in one step: micro-batches, each read when it is asked for. */
interface RankShare {

    /** Micro-batches of the step; 0 where this rank has nothing to do in it. */
    int microBatches();

    /** Of all of them. */
    long tokens();

    /** The next micro-batch, {@link #microBatches} of them in all. */
    MicroBatch next() throws InterruptedException;

    /** Of micro-batches that are there already. */
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
