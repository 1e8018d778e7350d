package dev.aerie.safetensors;

import dev.aerie.errors.RefusalException;

/** A model folder that cannot be used: its message is one sentence for the person who named the folder. */
public final class InvalidModelException extends RefusalException {

    private static final long serialVersionUID = 1L;

    public InvalidModelException(String message) {
        super(message);
    }

    public InvalidModelException(String message, Throwable cause) {
        super(message, cause);
    }
}
