package dev.aerie.store;

/**
 * A store that cannot be used as asked: damaged, incomplete, or made with other settings. The message is one sentence for a
 * person.
 */
public final class InvalidStoreException extends IllegalArgumentException {

    public InvalidStoreException(String message) {
        super(message);
    }

    public InvalidStoreException(String message, Throwable cause) {
        super(message, cause);
    }
}
