package dev.aerie.text;

import dev.aerie.errors.Choice;

/** What to do with a conversation of more tokens than the longest allowed. */
public enum OverLength implements Choice {
    /** Its first tokens are kept. */
    TRUNCATE,
    /** It is rejected. */
    QUARANTINE
}
