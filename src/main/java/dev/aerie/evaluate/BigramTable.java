package dev.aerie.evaluate;

import java.io.Serializable;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;

/**
 * The plainest draft there is, to measure an EAGLE-3 draft against: after each token it proposes the token that most often
 * follows it in the target's turns of the training conversations (the smaller id of equals; after a token never seen there, the
 * most frequent token of all).
 *
 * @param next at index a: the token proposed after a
 */
public record BigramTable(int[] next) implements Serializable {

    /**
     * Counts over the training part of a store's tokens table.
     *
     * @param tokens with columns {@code part}, {@code input_ids} and {@code loss_mask}
     */
    public static BigramTable of(Dataset<Row> tokens, int vocabSize) {
        Counter counter = new Counter(vocabSize);
        Iterator<Row> rows = tokens.where("part = 'train'").select("input_ids", "loss_mask").toLocalIterator();
        while (rows.hasNext()) {
            Row row = rows.next();
            List<Integer> ids = row.getList(0);
            List<Boolean> mask = row.getList(1);
            boolean[] supervised = new boolean[mask.size()];
            for (int t = 0; t < supervised.length; t++) {
                supervised[t] = mask.get(t);
            }
            counter.add(ids.stream().mapToInt(Integer::intValue).toArray(), supervised);
        }
        return counter.table();
    }

    /** Counts pairs of neighbours whose second token is supervised. */
    public static final class Counter {

        private final int vocabSize;
        private final Map<Long, Long> pairs = new HashMap<>();
        private final long[] tokens;

        public Counter(int vocabSize) {
            this.vocabSize = vocabSize;
            this.tokens = new long[vocabSize];
        }

        /** @param supervised true for the tokens of the target's turns */
        public Counter add(int[] ids, boolean[] supervised) {
            for (int t = 1; t < ids.length; t++) {
                if (supervised[t]) {
                    pairs.merge((long) ids[t - 1] * vocabSize + ids[t], 1L, Long::sum);
                    tokens[ids[t]]++;
                }
            }
            return this;
        }

        public BigramTable table() {
            int frequent = 0;
            for (int i = 1; i < vocabSize; i++) {
                frequent = tokens[i] > tokens[frequent] ? i : frequent;
            }
            int[] next = new int[vocabSize];
            long[] best = new long[vocabSize];
            Arrays.fill(next, frequent);
            pairs.forEach((pair, count) -> {
                int first = (int) (pair / vocabSize);
                int second = (int) (pair % vocabSize);
                if (count > best[first] || count == best[first] && second < next[first]) {
                    best[first] = count;
                    next[first] = second;
                }
            });
            return new BigramTable(next);
        }
    }

    /**
     * What greedy speculative decoding with this table as its draft would count. Because its text would be the target's own, the
     * text need not be made again.
     *
     * @param text the target's greedy continuation, its first token from the prefill
     */
    Acceptance replay(long[] text, int draftTokens) {
        Acceptance acceptance = Acceptance.none(draftTokens);
        int at = 0;
        while (at + 1 < text.length) {
            int left = text.length - 1 - at;
            int accepted = 0;
            int guess = next[(int) text[at]];
            while (accepted < Math.min(draftTokens, left) && guess == text[at + 1 + accepted]) {
                accepted++;
                guess = next[guess];
            }
            int added = Math.min(accepted + 1, left);
            acceptance = acceptance.round(accepted, added);
            at += added;
        }
        return acceptance;
    }
}
