package dev.aerie.store;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Arrays;

/** The part of a store that a conversation belongs to. */
public enum Part {
    /** Text of the data set, for training. */
    TRAIN("train"),
    /** A prompt with the target's greedy continuation, for replaying acceptance. */
    HELD_OUT("held_out");

    private final String text;

    Part(String text) {
        this.text = text;
    }

    /** Returns the value of the column {@code part}. */
    @JsonValue
    public String text() {
        return text;
    }

    /** @throws IllegalArgumentException if no part has this name */
    @JsonCreator
    public static Part of(String text) {
        return Arrays.stream(values())
                .filter(p -> p.text.equals(text))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("Invalid part: " + text + " (expected train or held_out)"));
    }
}
