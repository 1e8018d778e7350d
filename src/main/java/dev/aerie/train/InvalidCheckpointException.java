package dev.aerie.train;

import dev.aerie.errors.RefusalException;

/** A checkpoint that cannot be gone on with: of another recipe, or damaged. */
public final class InvalidCheckpointException extends RefusalException {

    InvalidCheckpointException(String message) {
        super(message);
    }

    InvalidCheckpointException(String message, Throwable cause) {
        super(message, cause);
    }
}
