package dev.aerie.store;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import dev.aerie.errors.Choice;
import java.util.stream.IntStream;

/** The tokens whose state after the final norm is stored, from which a teacher is computed. */
public enum TeacherRows implements Choice {
    /** Row r if tokens r and r + 1 are both supervised, which is all that training in strict mode uses. */
    STRICT,
    /** Every row, which training in specforge mode needs. */
    ALL;

    /** Returns the rows of a conversation, ascending; they follow from its loss mask, so the store has no column for them. */
    public int[] of(boolean[] lossMask) {
        int n = lossMask.length;
        return switch (this) {
            case STRICT -> IntStream.range(0, n - 1).filter(r -> lossMask[r] && lossMask[r + 1]).toArray();
            case ALL -> IntStream.range(0, n).toArray();
        };
    }

    /** Returns the number of rows that {@link #of} returns. */
    public int count(boolean[] lossMask) {
        return of(lossMask).length;
    }

    /** Returns whether a store with these rows suffices for a reader that needs the others. */
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
