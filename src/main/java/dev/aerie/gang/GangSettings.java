package dev.aerie.gang;

import java.io.Serializable;
import java.time.Duration;

/**
 * How a gang runs.
 *
 * @param ranks tasks that run at once, one in each slot
 * @param maxAttempts how often the stage may start in all
 * @param backoff pause before the second attempt; doubled for each further one, up to {@link #LONGEST_BACKOFF}
 * @param rendezvous how long the ranks may take to find each other once Spark has started them
 * @param collective how long one collective may take, which includes waiting for the slowest rank to come to it
 * @param silence how long the driver goes without a word from any rank before it ends the attempt
 */
public record GangSettings(
        int ranks, int maxAttempts, Duration backoff, Duration rendezvous, Duration collective, Duration silence)
        implements Serializable {

    public static final Duration BACKOFF = Duration.ofSeconds(5);
    public static final Duration LONGEST_BACKOFF = Duration.ofMinutes(5);
    public static final Duration RENDEZVOUS = Duration.ofMinutes(10);
    /** A rank that writes a checkpoint keeps the others waiting for as long; a rank that dies closes its connections at once. */
    public static final Duration COLLECTIVE = Duration.ofMinutes(10);
    public static final Duration SILENCE = Duration.ofMinutes(30);

    public GangSettings {
        if (silence.compareTo(collective) < 0) {
            throw new IllegalArgumentException("Invalid silence: " + silence.toSeconds() + " s (expected at least the "
                    + collective.toSeconds() + " s of a collective)");
        }
    }

    public GangSettings(int ranks, int maxAttempts) {
        this(ranks, maxAttempts, BACKOFF, RENDEZVOUS, COLLECTIVE, SILENCE);
    }

    Duration pauseAfter(int attempt) {
        Duration pause = backoff.multipliedBy(1L << Math.min(attempt - 1, 20));
        return pause.compareTo(LONGEST_BACKOFF) < 0 ? pause : LONGEST_BACKOFF;
    }
}
