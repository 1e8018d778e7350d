package dev.aerie.gang;

/**
 * Receives, in the driver, the progress of a gang.
 *
 * @param <M> what the ranks report
 */
public interface GangObserver<M> {

    /** What a rank reported during a step. Called by one thread at a time; reports of one rank come in order. */
    void reported(int rank, long step, M report);

    /** How far the work is safe, such as the step of the last committed checkpoint; asked after a failed attempt. */
    long progress();

    /** An attempt failed and another will start. */
    default void retrying(int attempt, String reason) {}
}
