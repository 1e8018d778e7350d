package dev.aerie.gang;

/** What the driver follows while a gang runs. */
public interface GangObserver {

    /** A line that a rank sent during a step. Called by one thread at a time; lines of one rank come in order. */
    void reported(int rank, long step, String line);

    /** How far the work is safe, such as the step of the last committed checkpoint; asked after a failed attempt. */
    long progress();

    /** An attempt failed and another will start. */
    default void retrying(int attempt, String reason) {}
}
