package dev.aerie.store;

import dev.aerie.errors.RefusalException;

/**
 * A store that cannot be used as asked: damaged, incomplete, or made with other settings. The message is one sentence for a
 * person.
 */
public final class InvalidStoreException extends RefusalException {

    public InvalidStoreException(String message) {
        super(message);
    }

    public InvalidStoreException(String message, Throwable cause) {
        super(message, cause);
    }
}
