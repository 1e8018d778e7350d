package dev.aerie.text;

/** A conversation cannot become a training sample. The message is the reason for the quarantine. */
public final class UnusableConversationException extends Exception {

    public UnusableConversationException(String reason) {
        super(reason);
    }
}
