package dev.aerie.text;

import dev.aerie.errors.RefusalException;
import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/**
 * The part of the target's vocabulary that a draft can propose.
 *
 * @param targetSize tokens of the target
 * @param ids target ids, ascending; the index of a token is its draft id
 */
public record DraftVocabulary(int targetSize, int[] ids) {

    /** @throws RefusalException unless the ids are some of the target's, ascending */
    public DraftVocabulary {
        for (int i = 0; i < ids.length; i++) {
            if (ids[i] < 0 || ids[i] >= targetSize || i > 0 && ids[i] <= ids[i - 1]) {
                throw new RefusalException("Invalid draft vocabulary: id " + ids[i] + " at " + i
                        + " (expected ascending ids under " + targetSize + ")");
            }
        }
        if (ids.length == 0) {
            throw new RefusalException("Invalid draft vocabulary: no ids (expected at least one)");
        }
    }

    /**
     * Selects the most frequent tokens; of equally frequent ones, those that occur in an earlier conversation, then those with
     * lower ids; unused tokens follow, by id. This is the order of SpecForge's counter, so the mapping equals its.
     *
     * @param counts of each target token, over supervised tokens
     * @param firstSeen place among the inputs of the first conversation that the token is supervised in; any value where it never
     *     is
     */
    public static DraftVocabulary from(long[] counts, long[] firstSeen, int size) {
        if (size < 1 || size > counts.length) {
            throw new RefusalException("Invalid draft_vocab_size: " + size + " (expected 1 to " + counts.length + ")");
        }
        if (firstSeen.length != counts.length) {
            throw new RefusalException("Invalid firstSeen: " + firstSeen.length + " tokens (expected " + counts.length + ")");
        }
        int[] ids = IntStream.range(0, counts.length).boxed()
                .sorted(Comparator.<Integer>comparingLong(id -> -counts[id])
                        .thenComparingLong(id -> counts[id] == 0 ? 0 : firstSeen[id])
                        .thenComparingInt(id -> id))
                .limit(size).mapToInt(Integer::intValue).sorted().toArray();
        return new DraftVocabulary(counts.length, ids);
    }

    public int size() {
        return ids.length;
    }

    /** Offsets: the target id of draft id i is i + d2t[i]. */
    public long[] d2t() {
        return IntStream.range(0, ids.length).mapToLong(i -> ids[i] - i).toArray();
    }

    /** For each target token whether the draft can propose it. */
    public boolean[] t2d() {
        boolean[] in = new boolean[targetSize];
        Arrays.stream(ids).forEach(id -> in[id] = true);
        return in;
    }
}
