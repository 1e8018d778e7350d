package dev.aerie.train;

import dev.aerie.draft.DraftParameters;
import dev.aerie.draft.FrozenTarget;
import dev.aerie.draft.ReplayCounts;
import dev.aerie.draft.TttReplay;
import dev.aerie.gang.Collective;
import dev.aerie.store.Part;
import dev.aerie.torch.DType;
import dev.aerie.torch.Device;
import dev.aerie.torch.Scope;
import java.util.Arrays;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/**
 * Measures acceptance on the held-out part by TTT replay over the target's continuations: what greedy chain decoding would reach
 * with as many drafted tokens as there are TTT steps.
 */
final class HeldOutReplay implements AutoCloseable {

    private final Collective collective;
    private final HiddenStateSource source;
    private final int microBatchTokens;
    private final int draftTokens;
    private final Device device;
    private final TttReplay replay;
    private final CorruptChunks corrupt;
    private final Consumer<String> skips;

    /** @param skips told why, of each conversation that is left out */
    HeldOutReplay(Collective collective, TrainSettings settings, DraftParameters parameters, FrozenTarget target,
            HiddenStateSource source, DType compute, Consumer<String> skips) {
        this.collective = collective;
        this.source = source;
        this.microBatchTokens = settings.batches().microBatchTokens();
        this.draftTokens = settings.tttLength();
        this.corrupt = settings.corruptChunks();
        this.skips = skips;
        this.device = parameters.flat().device();
        this.replay = new TttReplay(parameters, target, draftTokens, compute);
    }

    /** Replays each rank's share; returns the same result on all ranks. */
    StepMetrics.HeldOut run() throws InterruptedException {
        long start = System.nanoTime();
        int[] lengths = source.lengths(Part.HELD_OUT);
        int[] mine = IntStream.range(0, lengths.length).filter(i -> i % collective.size() == collective.rank()).toArray();
        ReplayCounts counts = ReplayCounts.zero(draftTokens);
        long[] skipped = new long[1];
        try (ReadAhead reading = new ReadAhead(source, Part.HELD_OUT, IntStream.of(mine).iterator(), corrupt, skips)) {
            for (int[] indices : BatchPlan.microBatches(lengths, mine, microBatchTokens)) {
                try (MicroBatch micro = MicroBatch.read(reading, indices.length); Scope scope = Scope.open()) {
                    if (!micro.isEmpty()) {
                        counts = counts.plus(replay.replay(micro.pack(device)));
                    }
                }
            }
            skipped[0] = reading.skipped();
        }
        ReplayCounts all = overRanks(counts);
        collective.allReduce(skipped);
        return new StepMetrics.HeldOut(lengths.length - skipped[0], skipped[0], all.acceptanceLength(),
                IntStream.rangeClosed(1, draftTokens).mapToDouble(all::hitRate).toArray(), (System.nanoTime() - start) / 1e9);
    }

    private ReplayCounts overRanks(ReplayCounts mine) {
        long[] sums = new long[2 + draftTokens];
        sums[0] = mine.rounds();
        sums[1] = mine.emitted();
        System.arraycopy(mine.hits(), 0, sums, 2, draftTokens);
        collective.allReduce(sums);
        return new ReplayCounts(sums[0], sums[1], Arrays.copyOfRange(sums, 2, sums.length));
    }

    @Override
    public void close() {
        replay.close();
    }
}
