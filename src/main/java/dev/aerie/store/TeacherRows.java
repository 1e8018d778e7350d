package dev.aerie.store;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import dev.aerie.errors.Choice;
import java.util.stream.IntStream;

/** For which tokens the state after the final norm is stored: the rows that a teacher is computed from. */
public enum TeacherRows implements Choice {
    /** Row r where tokens r and r + 1 are both supervised: all that training in strict mode uses. */
    STRICT,
    /** Every row, which training in specforge mode needs. */
    ALL;

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

    @Override
    @JsonValue
    public String text() {
        return Choice.super.text();
    }

    @JsonCreator
    static TeacherRows of(String text) {
        return Choice.of(TeacherRows.class, "teacher_rows", text);
    }
}
