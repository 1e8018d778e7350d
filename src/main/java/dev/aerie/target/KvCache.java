package dev.aerie.target;

import dev.aerie.torch.Attention;
import dev.aerie.torch.DType;
import dev.aerie.torch.Device;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;
import java.util.ArrayList;
import java.util.List;

/** Keys and values of one sequence in every layer, so that its next tokens cost one row each. Used by one thread. */
public final class KvCache implements KeyValues, AutoCloseable {

    private final Scope scope = Scope.detached();
    private final List<Tensor> keys = new ArrayList<>();
    private final List<Tensor> values = new ArrayList<>();
    private final int capacity;
    private int length;

    KvCache(List<AttentionSpec.CachedRow> layers, int capacity, DType dtype, Device device) {
        this.capacity = capacity;
        try (Scope making = Scope.open()) {
            for (AttentionSpec.CachedRow layer : layers) {
                keys.add(scope.adopt(Tensor.zeros(dtype, device, capacity, layer.kvHeads(), layer.keyDim())));
                values.add(scope.adopt(Tensor.zeros(dtype, device, capacity, layer.kvHeads(), layer.valueDim())));
            }
        }
    }

    /** Tokens in the cache. */
    public int length() {
        return length;
    }

    public int capacity() {
        return capacity;
    }

    /** Forgets the tokens from this position on, such as drafted tokens that were not accepted. */
    public void truncate(int newLength) {
        if (newLength < 0 || newLength > length) {
            throw new IllegalArgumentException("Invalid length: " + newLength + " (expected 0 to " + length + ")");
        }
        length = newLength;
    }

    /** Positions of the next n tokens. */
    long[] nextPositions(int n) {
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

    /** Counts tokens that every layer has been given. */
    void advance(int n) {
        length += n;
    }

    @Override
    public Tensor attend(int layer, Tensor q, Tensor k, Tensor v, Attention.Options options) {
        Tensor allKeys = Attention.append(keys.get(layer), k, length);
        Tensor allValues = Attention.append(values.get(layer), v, length);
        // A first block needs no mask of its own, whose size is quadratic.
        return length == 0
                ? Attention.causal(q, k, v, new long[] {0, q.size(0)}, options)
                : Attention.cached(q, allKeys, allValues, options);
    }

    @Override
    public void close() {
        scope.close();
    }
}
