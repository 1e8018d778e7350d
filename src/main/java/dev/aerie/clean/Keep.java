package dev.aerie.clean;

import dev.aerie.errors.Choice;

/** Which of several near duplicates stays. */
public enum Keep implements Choice {
    /** The one with the lowest position. */
    FIRST,
    /** The one with the most characters, and of those the first. */
    LONGEST
}
