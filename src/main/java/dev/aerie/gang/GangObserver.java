package dev.aerie.gang;

/**
 * Receives the progress of a gang, in the driver.
 *
 * @param <M> type of the ranks' reports
 */
public interface GangObserver<M> {

    /** Receives a rank's report of a step. Called by one thread at a time; the reports of one rank arrive in order. */
    void reported(int rank, long step, M report);

    /** Returns the progress that is safe, such as the step of the last committed checkpoint; called after a failed attempt. */
    long progress();

    /** Called when an attempt has failed and another will start. */
    default void retrying(int attempt, String reason) {}
}
