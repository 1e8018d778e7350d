package dev.aerie.gang;

/** A gang that failed for good: the message says how often it was tried and names the rank and step of the last failure. */
public final class GangException extends RuntimeException {

    GangException(String message, Throwable cause) {
        super(message, cause);
    }
}
