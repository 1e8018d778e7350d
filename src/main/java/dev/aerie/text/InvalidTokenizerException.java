package dev.aerie.text;

/** A tokenizer or chat template that cannot be used: its message is one sentence for the person who named the folder. */
public final class InvalidTokenizerException extends IllegalArgumentException {

    private static final long serialVersionUID = 1L;

    public InvalidTokenizerException(String message) {
        super(message);
    }

    public InvalidTokenizerException(String message, Throwable cause) {
        super(message, cause);
    }
}
