package dev.aerie.train;

import dev.aerie.errors.RefusalException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;

/**
 * Determines the conversations of each step from the store's plan, the seed and the epoch, independently of the number of ranks.
 *
 * <p>An epoch takes the shards in the plan's order, each of which is a sample of the whole, so that training can begin with the
 * first shards while others are still to be made. The conversations of a shard have an order of their own in every epoch. An epoch
 * uses every conversation once; its last step takes the remaining ones.
 */
final class BatchPlan {

    private final int[] lengths;
    private final int[] shardStarts;
    private final BatchSize size;
    private final long seed;
    private final long totalSteps;
    private final long scheduledSteps;
    /** First step of each epoch. */
    private final long[] epochStart;

    private int cachedEpoch = -1;
    private int[] order;
    /** Where the steps of the cached epoch begin in its order; the last is the number of conversations. */
    private int[] bounds;

    /**
     * @param lengths tokens of each conversation
     * @param shardStarts see {@link HiddenStateSource#shardStarts}
     */
    BatchPlan(int[] lengths, int[] shardStarts, TrainSettings.Batches batches) {
        if (lengths.length == 0) {
            throw new RefusalException("Invalid store: no conversation to train on (expected at least one)");
        }
        this.lengths = lengths.clone();
        this.shardStarts = shardStarts.clone();
        this.size = batches.step();
        this.seed = batches.seed();
        int epochs = batches.epochs();
        this.epochStart = new long[epochs + 1];
        for (int e = 0; e < epochs; e++) {
            epochStart[e + 1] = epochStart[e] + steps(e);
        }
        this.scheduledSteps = epochStart[epochs];
        this.totalSteps = batches.maxSteps() == 0 ? scheduledSteps : Math.min(batches.maxSteps(), scheduledSteps);
    }

    /** Returns the number of optimizer steps of this run. */
    long totalSteps() {
        return totalSteps;
    }

    /** Returns the number of optimizer steps of all epochs, which the learning-rate schedule spans; a run may end earlier. */
    long scheduledSteps() {
        return scheduledSteps;
    }

    /** Returns the epoch of a step, 0 for the first. */
    int epoch(long step) {
        int e = 0;
        while (step >= epochStart[e + 1]) {
            e++;
        }
        return e;
    }

    /** Returns the number of steps in the step's epoch that precede it. */
    long stepInEpoch(long step) {
        return step - epochStart[epoch(step)];
    }

    /** Returns the conversations of a step, in order. */
    int[] conversations(long step) {
        int e = epoch(step);
        arrange(e);
        int s = Math.toIntExact(step - epochStart[e]);
        return Arrays.copyOfRange(order, bounds[s], bounds[s + 1]);
    }

    /**
     * Returns the conversations of a step that one rank trains on, in order. Whole conversations are distributed, longest first,
     * each to the rank with the fewest tokens so far; a rank may get none.
     */
    int[] ofRank(long step, int rank, int ranks) {
        int[] all = conversations(step);
        int[] owner = new int[all.length];
        long[] load = new long[ranks];
        List<Integer> byLength = IntStream.range(0, all.length).boxed()
                .sorted(Comparator.comparingInt(i -> -lengths[all[i]]))
                .toList();
        for (int i : byLength) {
            int least = 0;
            for (int r = 1; r < ranks; r++) {
                if (load[r] < load[least]) {
                    least = r;
                }
            }
            owner[i] = least;
            load[least] += lengths[all[i]];
        }
        return IntStream.range(0, all.length).filter(i -> owner[i] == rank).map(i -> all[i]).toArray();
    }

    /** Groups consecutive conversations up to a number of tokens; a longer conversation is a group of one. */
    static List<int[]> microBatches(int[] lengths, int[] conversations, int tokens) {
        List<int[]> out = new ArrayList<>();
        int start = 0;
        long sum = 0;
        for (int i = 0; i < conversations.length; i++) {
            if (i > start && sum + lengths[conversations[i]] > tokens) {
                out.add(Arrays.copyOfRange(conversations, start, i));
                start = i;
                sum = 0;
            }
            sum += lengths[conversations[i]];
        }
        if (start < conversations.length) {
            out.add(Arrays.copyOfRange(conversations, start, conversations.length));
        }
        return out;
    }

    private int steps(int epoch) {
        arrange(epoch);
        return bounds.length - 1;
    }

    private void arrange(int epoch) {
        if (epoch == cachedEpoch) {
            return;
        }
        order = IntStream.range(0, lengths.length).toArray();
        // java.util.Random's sequence is part of its specification, so the order of a running training never changes.
        Random random = new Random(seed * 1_000_003L + epoch);
        for (int s = 0; s + 1 < shardStarts.length; s++) {
            for (int i = shardStarts[s + 1] - 1; i > shardStarts[s]; i--) {
                int j = shardStarts[s] + random.nextInt(i - shardStarts[s] + 1);
                int other = order[j];
                order[j] = order[i];
                order[i] = other;
            }
        }
        IntStream.Builder starts = IntStream.builder();
        int start = 0;
        long tokens = 0;
        starts.add(0);
        for (int i = 0; i < order.length; i++) {
            if (i > start && full(i - start, tokens + lengths[order[i]])) {
                starts.add(i);
                start = i;
                tokens = 0;
            }
            tokens += lengths[order[i]];
        }
        starts.add(order.length);
        bounds = starts.build().toArray();
        cachedEpoch = epoch;
    }

    private boolean full(int conversations, long tokensWithNext) {
        if (size instanceof BatchSize.Conversations c) {
            return conversations == c.count();
        }
        return tokensWithNext > ((BatchSize.Tokens) size).count();
    }
}
