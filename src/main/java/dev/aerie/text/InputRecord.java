package dev.aerie.text;

/** The result of reading a record of an input file. */
public sealed interface InputRecord permits Conversation, Rejection {}
