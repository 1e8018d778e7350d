package dev.aerie.torch;

import java.util.ArrayList;
import java.util.List;

/**
 * Scaled dot-product attention over packed sequences and over a key-value cache.
 *
 * <p>Its memory grows linearly with the tokens, whatever the options.
 */
public final class Attention {

    /** From this number of rows on, attention to a cache runs in blocks of rows. */
    private static final int MANY_ROWS = 512;

    private Attention() {}

    /**
     * The options of causal attention. Positions count from 0 in each sequence.
     *
     * @param scale factor of the scores before the softmax
     * @param window row t attends to the keys t − window + 1 to t; 0: to all up to t
     * @param chunk row t attends only to keys s with ⌊s / chunk⌋ = ⌊t / chunk⌋; 0: to all
     * @param softCap scores become softCap · tanh(score / softCap) (Gemma 2); 0: no cap
     * @param sinks [heads], one further logit per head in the softmax, whose probability is dropped (gpt-oss); or null
     */
    public record Options(double scale, long window, long chunk, double softCap, Tensor sinks) {

        public static Options of(double scale) {
            return new Options(scale, 0, 0, 0, null);
        }

        private boolean plain() {
            return window == 0 && chunk == 0 && softCap == 0 && sinks == null;
        }
    }

    /**
     * Computes causal attention within each of several concatenated sequences.
     *
     * @param q [T, heads, d]
     * @param k [T, kv heads, d] with heads a multiple of kv heads
     * @param v [T, kv heads, dv]
     * @param cuSeqlens 0, end of the first sequence, ..., T
     * @return [T, heads, dv]
     */
    public static Tensor causal(Tensor q, Tensor k, Tensor v, long[] cuSeqlens, Options options) {
        if (options.plain() && k.size(2) == v.size(2)) {
            return causal(q, k, v, cuSeqlens, options.scale());
        }
        // A chunk attends only to itself, so for attention it is a sequence.
        long[] bounds = options.chunk() == 0 ? cuSeqlens : chunks(cuSeqlens, options.chunk());
        return attend(q, k, v, bounds, bounds, options);
    }

    /** Computes causal attention with a scale and no other option, for v [T, kv heads, d]. */
    public static Tensor causal(Tensor q, Tensor k, Tensor v, long[] cuSeqlens, double scale) {
        return Script.tensor("attention", q, k, v, cuSeqlens, scale);
    }

    /**
     * Computes the attention of the newest n tokens of one sequence to all its tokens; row j attends to the keys up to its own.
     *
     * @param q [n, heads, d]
     * @param k [total, kv heads, d], of which the last n are those of the rows
     * @param v [total, kv heads, dv]
     * @return [n, heads, dv]
     */
    public static Tensor cached(Tensor q, Tensor k, Tensor v, Options options) {
        long n = q.size(0);
        // The mask of many rows over a long cache would be quadratic.
        if (options.plain() && k.size(2) == v.size(2) && n < MANY_ROWS) {
            return cached(q, k, v, options.scale());
        }
        long total = k.size(0);
        if (options.chunk() == 0) {
            return attend(q, k, v, new long[] {0, n}, new long[] {0, total}, options);
        }
        List<Tensor> parts = new ArrayList<>();
        for (long at = total - n; at < total;) {
            long first = at - at % options.chunk();
            long end = Math.min(first + options.chunk(), total);
            parts.add(attend(q.narrow(0, at - (total - n), end - at), k.narrow(0, first, end - first),
                    v.narrow(0, first, end - first), new long[] {0, end - at}, new long[] {0, end - first}, options));
            at = end;
        }
        return parts.size() == 1 ? parts.get(0) : Tensor.cat(0, parts);
    }

    /**
     * Writes keys or values of new tokens into the caches of several sequences.
     *
     * @param cache [slots, kv heads, tokens, d], changed in place
     * @param rows [n, kv heads, d]
     * @param slots int64 [n], the slot of each row
     * @param positions int64 [n], of the row in its sequence
     */
    public static void write(Tensor cache, Tensor rows, Tensor slots, Tensor positions) {
        Script.nothing("cache_write", cache, rows, slots, positions);
    }

    /**
     * Returns what is added to the scores of the newest row of each of several sequences.
     *
     * @param like has the type of the scores, on their device
     * @param positions int64 [sequences], of the newest rows
     * @param longest number of keys that each row is compared with
     * @return [sequences, 1, 1, longest]
     */
    public static Tensor mask(Tensor like, Tensor positions, long longest, Options options) {
        return Script.tensor("cache_mask", like, positions, longest, options.window(), options.chunk());
    }

    /**
     * Computes the attention of the newest row of each of several sequences to its cache. Sequences are grouped, and those of a
     * group are padded to the longest of them.
     *
     * @param q [sequences, heads, d]
     * @param keys [slots, kv heads, tokens, d]; what is not yet written of it is finite
     * @param values [slots, kv heads, tokens, dv], likewise
     * @param bounds slot of the first sequence, then the end of each group
     * @param longest tokens of the longest sequence of each group
     * @param masks of each group, from {@link #mask}
     * @return [sequences, heads, dv]
     */
    public static Tensor newestRows(Tensor q, Tensor keys, Tensor values, long[] bounds, long[] longest, List<Tensor> masks,
            Options options) {
        return Script.tensor("attention_rows", q, keys, values, bounds, longest, masks, options.scale(), options.softCap(),
                options.sinks());
    }

    /** Computes attention to a cache with a scale and no other option, for v [total, kv heads, d] and few rows. */
    public static Tensor cached(Tensor q, Tensor k, Tensor v, double scale) {
        return Script.tensor("attention_cached", q, k, v, scale);
    }

    private static Tensor attend(Tensor q, Tensor k, Tensor v, long[] rows, long[] keys, Options options) {
        return Script.tensor("attend", q, k, v, rows, keys, options.scale(), options.window(), options.softCap(),
                options.sinks());
    }

    private static long[] chunks(long[] cuSeqlens, long chunk) {
        List<Long> out = new ArrayList<>(List.of(0L));
        for (int s = 1; s < cuSeqlens.length; s++) {
            for (long at = cuSeqlens[s - 1] + chunk; at < cuSeqlens[s]; at += chunk) {
                out.add(at);
            }
            out.add(cuSeqlens[s]);
        }
        return out.stream().mapToLong(Long::longValue).toArray();
    }

    /**
     * Writes keys or values of new tokens into a cache.
     *
     * @param cache [capacity, kv heads, d], changed in place
     * @param rows [n, kv heads, d]
     * @param length tokens that the cache held before
     * @return a view of the cache, [length + n, kv heads, d]
     */
    public static Tensor append(Tensor cache, Tensor rows, long length) {
        return Script.tensor("cache_append", cache, rows, length);
    }
}
