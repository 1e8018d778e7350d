package dev.aerie.store;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Arrays;
import java.util.stream.IntStream;

/** For which tokens the state after the final norm is stored: the rows that a teacher is computed from. */
public enum TeacherRows {
    /** Row r where tokens r and r + 1 are both supervised: all that training in strict mode uses. */
    STRICT("strict"),
    /** Every row, which training in specforge mode needs. */
    ALL("all");

    private final String text;

    TeacherRows(String text) {
        this.text = text;
    }

    /** The rows of a conversation, ascending; a function of its loss mask, so the store keeps no column of them. */
    public int[] of(boolean[] lossMask) {
        int n = lossMask.length;
        return switch (this) {
            case STRICT -> IntStream.range(0, n - 1).filter(r -> lossMask[r] && lossMask[r + 1]).toArray();
            case ALL -> IntStream.range(0, n).toArray();
        };
    }

    /** As {@link #of}, only counted. */
    public int count(boolean[] lossMask) {
        return of(lossMask).length;
    }

    /** Whether a store with these rows serves a reader that needs the others. */
    public boolean covers(TeacherRows needed) {
        return this == ALL || needed == STRICT;
    }

    /** The name in recipes and in store.json. */
    @JsonValue
    public String text() {
        return text;
    }

    /** @throws IllegalArgumentException for any other name */
    @JsonCreator
    public static TeacherRows of(String text) {
        return Arrays.stream(values())
                .filter(t -> t.text.equals(text))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("Invalid teacher_rows: " + text + " (expected strict or all)"));
    }
}
