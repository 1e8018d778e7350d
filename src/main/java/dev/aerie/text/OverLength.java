package dev.aerie.text;

import dev.aerie.errors.RefusalException;
import java.util.Locale;

/** What to do with a conversation of more tokens than the longest allowed. */
public enum OverLength {
    /** Its first tokens are kept. */
    TRUNCATE,
    /** It is rejected. */
    QUARANTINE;

    public static OverLength of(String name) {
        for (OverLength choice : values()) {
            if (choice.name().toLowerCase(Locale.ROOT).equals(name)) {
                return choice;
            }
        }
        throw new RefusalException("Invalid over_length: " + name + " (expected truncate or quarantine)");
    }
}
