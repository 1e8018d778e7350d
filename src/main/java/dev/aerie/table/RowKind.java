package dev.aerie.table;

import dev.aerie.errors.Choice;

/** What a row of the table is. */
enum RowKind implements Choice {
    CONVERSATIONS,
    TOKENS
}
