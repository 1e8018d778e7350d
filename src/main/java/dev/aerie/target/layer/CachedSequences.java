package dev.aerie.target.layer;

import dev.aerie.torch.Attention;
import dev.aerie.torch.GatedDeltaRule;
import dev.aerie.torch.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntFunction;

/**
 * The caches of several sequences, whose next tokens pass through the layers together: everything but attention sees one block
 * of rows, and attention is done sequence by sequence. Used by one thread.
 */
public final class CachedSequences implements KeyValues {

    private final List<KvCache> caches;
    private final int[] rows;

    /**
     * @param caches one for each sequence, none twice
     * @param rows next tokens of each sequence, which follow each other in the block
     */
    public CachedSequences(List<KvCache> caches, int[] rows) {
        if (caches.isEmpty() || caches.size() != rows.length) {
            throw new IllegalArgumentException("Invalid sequences: " + caches.size() + " caches and " + rows.length
                    + " blocks of tokens (expected one for each)");
        }
        if (Arrays.stream(rows).anyMatch(n -> n < 1)) {
            throw new IllegalArgumentException("Invalid blocks of tokens: " + Arrays.toString(rows)
                    + " (expected at least one each)");
        }
        this.caches = List.copyOf(caches);
        this.rows = rows.clone();
    }

    /** Returns the positions of the rows in their sequences. */
    public long[] positions() {
        long[][] all = new long[rows.length][];
        Arrays.setAll(all, s -> caches.get(s).nextPositions(rows[s]));
        return Arrays.stream(all).flatMapToLong(Arrays::stream).toArray();
    }

    /** Counts the rows in every cache, whose layers must have received them. */
    public void advance() {
        for (int s = 0; s < rows.length; s++) {
            caches.get(s).advance(rows[s]);
        }
    }

    @Override
    public long[] lengths(long[] positions) {
        long[] out = new long[positions.length];
        int start = 0;
        for (int s = 0; s < rows.length; s++) {
            Arrays.fill(out, start, start + rows[s], (long) caches.get(s).length() + rows[s]);
            start += rows[s];
        }
        return out;
    }

    @Override
    public Tensor attend(int layer, Tensor q, Tensor k, Tensor v, Attention.Options options) {
        if (q.size(0) == rows.length) {
            return Attention.cachedEach(q, k, v, caches.stream().map(c -> c.keys(layer)).toList(),
                    caches.stream().map(c -> c.values(layer)).toList(), caches.stream().mapToLong(KvCache::length).toArray(),
                    options);
        }
        long[] starts = starts();
        return bySequence(s -> caches.get(s).attend(layer, q.narrow(0, starts[s], rows[s]), k.narrow(0, starts[s], rows[s]),
                v.narrow(0, starts[s], rows[s]), options));
    }

    @Override
    public Tensor linearAttention(int layer, GatedDeltaRule.Inputs inputs, Tensor convolution, GatedDeltaRule.Heads heads) {
        long[] starts = starts();
        return bySequence(s -> caches.get(s).linearAttention(layer, inputs.narrow(starts[s], rows[s]), convolution, heads));
    }

    private long[] starts() {
        long[] starts = new long[rows.length];
        for (int s = 1; s < rows.length; s++) {
            starts[s] = starts[s - 1] + rows[s - 1];
        }
        return starts;
    }

    private Tensor bySequence(IntFunction<Tensor> attention) {
        List<Tensor> parts = new ArrayList<>();
        for (int s = 0; s < rows.length; s++) {
            parts.add(attention.apply(s));
        }
        return Tensor.cat(0, parts);
    }
}
