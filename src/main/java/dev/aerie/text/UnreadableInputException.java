package dev.aerie.text;

/** The rest of a file cannot be read. The message is the reason for the quarantine. */
final class UnreadableInputException extends Exception {

    private static final long serialVersionUID = 1;

    UnreadableInputException(String sentence) {
        super(sentence);
    }
}
