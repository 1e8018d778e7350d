package dev.aerie.evaluate;

import java.io.Serializable;
import java.util.Arrays;

/**
 * Counts of rounds of speculative decoding; counts of several texts can be added.
 *
 * @param rounds index a: rounds in which a drafted tokens were accepted, a from 0 to the number drafted
 * @param emitted tokens that these rounds added to the texts, including those that the target chose
 */
record Acceptance(long[] rounds, long emitted) implements Serializable {

    static Acceptance none(int draftTokens) {
        return new Acceptance(new long[draftTokens + 1], 0);
    }

    /**
     * Counts one more round.
     *
     * @param accepted drafted tokens that were added to the text
     * @param added all tokens that were added to the text
     */
    Acceptance round(int accepted, int added) {
        long[] more = rounds.clone();
        more[accepted]++;
        return new Acceptance(more, emitted + added);
    }

    Acceptance plus(Acceptance other) {
        long[] sum = new long[rounds.length];
        Arrays.setAll(sum, a -> rounds[a] + other.rounds[a]);
        return new Acceptance(sum, emitted + other.emitted);
    }

    /** Returns the number of verification passes of the target after the prefill. */
    long count() {
        return Arrays.stream(rounds).sum();
    }

    /** Returns the mean number of tokens that a verification pass adds, from 1 to drafted tokens + 1; 0 without rounds. */
    double length() {
        return count() == 0 ? 0 : (double) emitted / count();
    }

    /** Returns the share of rounds in which at least k drafted tokens were accepted. */
    double hitRate(int k) {
        return count() == 0 ? 0 : (double) Arrays.stream(rounds, k, rounds.length).sum() / count();
    }

    int draftTokens() {
        return rounds.length - 1;
    }
}
