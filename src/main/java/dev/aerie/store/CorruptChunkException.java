package dev.aerie.store;

/**
 * A chunk of a conversation cannot be read, because the shard's file is not the one that was committed: its SHA-256 is another
 * than its marker says. What cannot be read for other reasons is not corrupt.
 */
public final class CorruptChunkException extends InvalidStoreException {

    private static final long serialVersionUID = 1;

    public CorruptChunkException(String message, Throwable cause) {
        super(message, cause);
    }
}
