package dev.aerie.gang;

/** A collective failed: the message names this rank, the peer and the collective. */
public final class CollectiveException extends RuntimeException {

    CollectiveException(String message) {
        super(message);
    }

    CollectiveException(String message, Throwable cause) {
        super(message, cause);
    }
}
