package dev.aerie.store;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Arrays;

/** What a stored conversation is for. */
public enum Part {
    /** Text of the data set, to train on. */
    TRAIN("train"),
    /** A prompt with the target's own greedy continuation, to replay acceptance on. */
    HELD_OUT("held_out");

    private final String text;

    Part(String text) {
        this.text = text;
    }

    /** The value of the column {@code part}. */
    @JsonValue
    public String text() {
        return text;
    }

    /** @throws IllegalArgumentException for a name that is no part's */
    @JsonCreator
    public static Part of(String text) {
        return Arrays.stream(values())
                .filter(p -> p.text.equals(text))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("Invalid part: " + text + " (expected train or held_out)"));
    }
}
