package dev.aerie.text;

import dev.aerie.errors.RefusalException;

/** A tokenizer or chat template cannot be used. The message is one sentence for the user who named the folder. */
public final class InvalidTokenizerException extends RefusalException {

    private static final long serialVersionUID = 1L;

    public InvalidTokenizerException(String message) {
        super(message);
    }

    public InvalidTokenizerException(String message, Throwable cause) {
        super(message, cause);
    }
}
