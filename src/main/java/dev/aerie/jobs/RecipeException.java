package dev.aerie.jobs;

import dev.aerie.errors.RefusalException;

/** A recipe that says something wrong: one sentence that names the key, the value and what was expected. */
public final class RecipeException extends RefusalException {

    RecipeException(String sentence) {
        super(sentence);
    }

    static RecipeException invalid(String key, Object value, String expected) {
        return new RecipeException("Invalid recipe key " + key + ": " + shown(value) + " (expected " + expected + ")");
    }

    /** Of a value that nobody wrote. */
    static RecipeException invalidDefault(String key, Object value, String expected) {
        return new RecipeException("Invalid recipe key " + key + ": unset, and its default " + shown(value)
                + " does not fit (expected "
                + expected + ")");
    }

    static RecipeException missing(String key, String expected) {
        return new RecipeException("Missing recipe key " + key + " (expected " + expected + ")");
    }

    private static String shown(Object value) {
        return value instanceof String text ? '"' + text + '"' : String.valueOf(value);
    }
}
