package dev.aerie.train;

/** A checkpoint that cannot be gone on with: of another recipe, or damaged. */
public final class InvalidCheckpointException extends IllegalArgumentException {

    InvalidCheckpointException(String message) {
        super(message);
    }

    InvalidCheckpointException(String message, Throwable cause) {
        super(message, cause);
    }
}
