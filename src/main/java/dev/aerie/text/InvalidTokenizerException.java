package dev.aerie.text;

import dev.aerie.errors.RefusalException;

/** A tokenizer or chat template that cannot be used: its message is one sentence for the person who named the folder. */
public final class InvalidTokenizerException extends RefusalException {

    private static final long serialVersionUID = 1L;

    public InvalidTokenizerException(String message) {
        super(message);
    }

    public InvalidTokenizerException(String message, Throwable cause) {
        super(message, cause);
    }
}
