package dev.aerie.evaluate;

import java.io.Serializable;

/**
 * A prompt to continue.
 *
 * @param index in its file
 * @param ids tokens, up to the header of the target's turn
 */
public record Prompt(int index, long[] ids) implements Serializable {}
