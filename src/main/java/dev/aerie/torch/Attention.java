package dev.aerie.torch;

/** Scaled dot-product attention over packed sequences and over a key-value cache. */
public final class Attention {

    private Attention() {}

    /**
     * Causal attention within each of the sequences that are laid end to end.
     *
     * @param q [T, heads, d]
     * @param k [T, kv heads, d] with heads a multiple of kv heads; v likewise
     * @param cuSeqlens 0, end of the first sequence, ..., T
     * @return [T, heads, d]
     */
    public static Tensor causal(Tensor q, Tensor k, Tensor v, long[] cuSeqlens, double scale) {
        return Script.tensor("attention", q, k, v, cuSeqlens, scale);
    }

    /**
     * Attention of the newest n tokens of one sequence to all its tokens: row j sees the keys up to its own.
     *
     * @param q [n, heads, d]
     * @param k [total, kv heads, d], the last n of them the rows' own; v likewise
     * @return [n, heads, d]
     */
    public static Tensor cached(Tensor q, Tensor k, Tensor v, double scale) {
        return Script.tensor("attention_cached", q, k, v, scale);
    }

    /**
     * Writes keys or values of new tokens into a cache.
     *
     * @param cache [capacity, kv heads, d], changed in place
     * @param rows [n, kv heads, d]
     * @param length tokens in the cache before
     * @return a view of the cache, [length + n, kv heads, d]
     */
    public static Tensor append(Tensor cache, Tensor rows, long length) {
        return Script.tensor("cache_append", cache, rows, length);
    }
}
