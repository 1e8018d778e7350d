package dev.aerie.text;

/**
 * A record that cannot be used, for the quarantine.
 *
 * @param id as the record has it, else file and index
 * @param source the input it came from
 * @param reason for a person
 * @param excerpt the beginning of the record, at most {@link #EXCERPT} characters
 */
public record Rejection(String id, String source, String reason, String excerpt) implements InputRecord {

    static final int EXCERPT = 200;

    public Rejection {
        excerpt = excerpt.length() <= EXCERPT ? excerpt : excerpt.substring(0, EXCERPT);
    }
}
