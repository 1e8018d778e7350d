package dev.aerie.gang;

import java.io.Serializable;
import java.time.Duration;

/**
 * The settings of a gang.
 *
 * @param ranks tasks that run at once, one per slot
 * @param maxAttempts largest number of times that the stage may start
 * @param backoff pause before the second attempt; doubled for each further one, up to {@link #LONGEST_BACKOFF}
 * @param rendezvous time limit for the ranks to connect after Spark has started them
 * @param collective time limit of one collective, including the wait for the slowest rank
 * @param silence time without a message from any rank after which the driver ends the attempt
 */
public record GangSettings(
        int ranks, int maxAttempts, Duration backoff, Duration rendezvous, Duration collective, Duration silence)
        implements Serializable {

    public static final Duration BACKOFF = Duration.ofSeconds(5);
    public static final Duration LONGEST_BACKOFF = Duration.ofMinutes(5);
    public static final Duration RENDEZVOUS = Duration.ofMinutes(10);
    /** Long, because the others wait while a rank writes a checkpoint; if a rank dies, its connections close at once. */
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
