package dev.aerie.train;

import dev.aerie.errors.RefusalException;

/** A checkpoint cannot be resumed from: it is damaged, or belongs to another recipe. */
public final class InvalidCheckpointException extends RefusalException {

    InvalidCheckpointException(String message) {
        super(message);
    }

    InvalidCheckpointException(String message, Throwable cause) {
        super(message, cause);
    }
}
