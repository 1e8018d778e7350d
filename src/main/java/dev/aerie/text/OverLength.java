package dev.aerie.text;

import dev.aerie.errors.Choice;

/** The action on a conversation with more tokens than allowed. */
public enum OverLength implements Choice {
    /** Its first tokens are kept. */
    TRUNCATE,
    /** It is rejected. */
    QUARANTINE
}
