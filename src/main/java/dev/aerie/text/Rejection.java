package dev.aerie.text;

/**
 * A record that cannot be used, for the quarantine.
 *
 * @param id as the record has it, else file and index
 * @param source the input it came from
 * @param reason for a person
 * @param excerpt the beginning of the record, at most {@link #EXCERPT} characters
 * @param restLost whether what follows in the file is lost with it
 */
public record Rejection(String id, String source, String reason, String excerpt, boolean restLost) implements InputRecord {

    static final int EXCERPT = 200;

    public Rejection {
        excerpt = excerpt.length() <= EXCERPT ? excerpt : excerpt.substring(0, EXCERPT);
    }

    /** Of one record alone. */
    public Rejection(String id, String source, String reason, String excerpt) {
        this(id, source, reason, excerpt, false);
    }
}
