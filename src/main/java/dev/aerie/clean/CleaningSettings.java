package dev.aerie.clean;

import java.io.Serializable;

/**
 * Which conversations are removed; a limit of 0 and a condition that is null remove none.
 *
 * @param where condition in Spark SQL over the columns of {@link Documents#SCHEMA} and {@code characters}
 * @param threshold Jaccard similarity from which two conversations are near duplicates
 */
public record CleaningSettings(Bounds characters, Bounds turns, String where, double threshold, Keep keep) implements Serializable {

    /** Removes nothing. */
    public static final CleaningSettings NONE =
            new CleaningSettings(new Bounds(0, 0), new Bounds(0, 0), null, 0, Keep.FIRST);

    /** Least and most of something, both of which stay. */
    public record Bounds(int least, int most) implements Serializable {

        boolean isNone() {
            return least == 0 && most == 0;
        }
    }

    public boolean isNone() {
        return characters.isNone() && turns.isNone() && where == null && threshold == 0;
    }
}
