package dev.aerie.text;

/** A piece of a text, in UTF-16 units, end exclusive. */
public record Span(int start, int end) {}
