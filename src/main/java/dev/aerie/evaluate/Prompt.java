package dev.aerie.evaluate;

import java.io.Serializable;

/**
 * A prompt to continue.
 *
 * @param index in its file
 * @param ids tokens, up to where the target's turn begins
 */
public record Prompt(int index, long[] ids) implements Serializable {}
