package dev.aerie.text;

/** A conversation that cannot become a training sample; the message is the reason, for the quarantine. */
public final class UnusableConversationException extends Exception {

    public UnusableConversationException(String reason) {
        super(reason);
    }
}
