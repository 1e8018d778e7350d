package dev.aerie.errors;

/**
 * The user's request cannot be fulfilled: a recipe, a model, a store or an input is not what a job needs. The message is one
 * sentence for the user, "Invalid &lt;thing&gt;: &lt;value&gt; (expected ...)".
 *
 * <p>Only this exception ends a command with exit code 2, and only this one is never retried: the same request would be refused
 * again. It is not an {@link IllegalArgumentException}, which means that a caller in this program violated a contract.
 */
public class RefusalException extends RuntimeException {

    private static final long serialVersionUID = 1;

    public RefusalException(String sentence) {
        super(sentence);
    }

    public RefusalException(String sentence, Throwable cause) {
        super(sentence, cause);
    }
}
