package dev.aerie.text;

/** What follows in a file cannot be read, whoever tries. The message is the sentence for the quarantine. */
final class UnreadableInputException extends Exception {

    private static final long serialVersionUID = 1;

    UnreadableInputException(String sentence) {
        super(sentence);
    }
}
