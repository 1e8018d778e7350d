package dev.aerie.text;

/** What follows in a file cannot be read, whoever tries. The message is the sentence for the quarantine. */
final class DamagedFileException extends Exception {

    private static final long serialVersionUID = 1;

    DamagedFileException(String sentence) {
        super(sentence);
    }
}
