package dev.aerie.target;

import java.util.Arrays;
import java.util.List;

/**
 * Sequences laid end to end, which pass through each layer together. Their states do not depend on the rest of a wave.
 *
 * @param ids [T]
 * @param cuSeqlens 0, end of the first sequence, ..., T
 */
public record PackedTokens(long[] ids, long[] cuSeqlens) {

    public PackedTokens {
        if (cuSeqlens.length == 0 || cuSeqlens[cuSeqlens.length - 1] != ids.length) {
            throw new IllegalArgumentException("Invalid cuSeqlens: they end at "
                    + (cuSeqlens.length == 0 ? "nothing" : cuSeqlens[cuSeqlens.length - 1]) + " (expected " + ids.length + ")");
        }
    }

    /** Concatenates sequences. */
    public static PackedTokens of(List<int[]> sequences) {
        long[] cuSeqlens = new long[sequences.size() + 1];
        for (int i = 0; i < sequences.size(); i++) {
            cuSeqlens[i + 1] = cuSeqlens[i] + sequences.get(i).length;
        }
        return new PackedTokens(sequences.stream().flatMapToInt(Arrays::stream).asLongStream().toArray(), cuSeqlens);
    }

    public int tokens() {
        return ids.length;
    }
}
