package dev.aerie.store;

import dev.aerie.errors.RefusalException;

/**
 * A store cannot be used as requested: it is damaged, incomplete, or made with other settings. The message is one sentence for
 * the user.
 */
public class InvalidStoreException extends RefusalException {

    public InvalidStoreException(String message) {
        super(message);
    }

    public InvalidStoreException(String message, Throwable cause) {
        super(message, cause);
    }
}
