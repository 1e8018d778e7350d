package dev.aerie.text;

/** What one record of an input file turned out to be. */
public sealed interface InputRecord permits Conversation, Rejection {}
