package dev.aerie.store;

import java.io.Serializable;

/**
 * A conversation's location in its shard, read from the shard's marker.
 *
 * @param id of the conversation
 * @param part the part of the store that it belongs to
 * @param row its first row in the shard's file
 * @param tokens its length
 * @param supervised number of its supervised tokens
 */
public record ConversationEntry(String id, Part part, int row, int tokens, int supervised) implements Serializable {}
