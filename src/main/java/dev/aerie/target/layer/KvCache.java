package dev.aerie.target.layer;

import dev.aerie.target.spec.AttentionSpec;
import dev.aerie.torch.Attention;
import dev.aerie.torch.DType;
import dev.aerie.torch.Device;
import dev.aerie.torch.GatedDeltaRule;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;

/**
 * The keys and values of one sequence in every layer, or the recurrent state of a layer of linear attention, so that each further
 * token costs one row. Used by one thread.
 */
public final class KvCache implements KeyValues, AutoCloseable {

    private final Scope scope = Scope.detached();
    private final List<Tensor> keys = new ArrayList<>();
    private final List<Tensor> values = new ArrayList<>();
    private final List<RecurrentState> states = new ArrayList<>();
    private final int capacity;
    private int length;

    /** @param layers null for layers with a recurrent state */
    public KvCache(List<AttentionSpec.CachedRow> layers, int capacity, DType dtype, Device device) {
        this.capacity = capacity;
        try (Scope making = Scope.open()) {
            for (AttentionSpec.CachedRow layer : layers) {
                boolean rows = layer != null;
                keys.add(!rows ? null : Tensor.zeros(dtype, device, capacity, layer.kvHeads(), layer.keyDim()));
                values.add(!rows ? null : Tensor.zeros(dtype, device, capacity, layer.kvHeads(), layer.valueDim()));
                states.add(rows ? null : new RecurrentState(scope));
            }
            // Only once all are there: where one does not fit, nobody closes this cache.
            Stream.concat(keys.stream(), values.stream()).filter(Objects::nonNull).forEach(scope::adopt);
        }
    }

    /** Returns the number of tokens in the cache. */
    public int length() {
        return length;
    }

    /**
     * Removes the tokens from this position on, such as drafted tokens that were not accepted. Linear attention can go back to 0,
     * or within the latest block of tokens and 64 tokens before it.
     */
    public void truncate(int newLength) {
        if (newLength < 0 || newLength > length) {
            throw new IllegalArgumentException("Invalid length: " + newLength + " (expected 0 to " + length + ")");
        }
        int earliest = states.stream().filter(Objects::nonNull).mapToInt(RecurrentState::earliest).max().orElse(0);
        if (newLength != 0 && newLength < earliest) {
            throw new IllegalArgumentException("Invalid length: " + newLength + " (expected 0, or " + earliest + " to " + length
                    + ": linear attention cannot go back further than the latest " + RecurrentState.REWINDABLE
                    + " tokens of the latest block)");
        }
        length = newLength;
    }

    /** Returns the positions of the next n tokens. */
    public long[] nextPositions(int n) {
        if (n > capacity - length) {
            throw new IllegalArgumentException("Invalid tokens: " + n + " (expected at most " + (capacity - length)
                    + ", which is what the cache of " + capacity + " has left)");
        }
        long[] out = new long[n];
        for (int i = 0; i < n; i++) {
            out[i] = length + i;
        }
        return out;
    }

    /** Counts n tokens, which every layer must have received. */
    public void advance(int n) {
        length += n;
    }

    @Override
    public long[] lengths(long[] positions) {
        long[] out = new long[positions.length];
        Arrays.fill(out, (long) length + positions.length);
        return out;
    }

    @Override
    public Tensor attend(int layer, Tensor q, Tensor k, Tensor v, Attention.Options options) {
        Tensor allKeys = Attention.append(keys.get(layer), k, length);
        Tensor allValues = Attention.append(values.get(layer), v, length);
        // The first block is causal without a mask, whose size would be quadratic.
        return length == 0
                ? Attention.causal(q, k, v, new long[] {0, q.size(0)}, options)
                : Attention.cached(q, allKeys, allValues, options);
    }

    @Override
    public Tensor linearAttention(int layer, GatedDeltaRule.Inputs inputs, Tensor convolution, GatedDeltaRule.Heads heads) {
        return states.get(layer).next(length, inputs, convolution, heads);
    }

    @Override
    public void close() {
        scope.close();
    }
}
