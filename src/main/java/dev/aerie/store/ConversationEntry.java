package dev.aerie.store;

/**
 * Where a conversation lies, from its shard's marker.
 *
 * @param id the conversation
 * @param part what it is for
 * @param row its first row in the shard's file
 * @param tokens its length
 * @param supervised its supervised tokens
 */
public record ConversationEntry(String id, Part part, int row, int tokens, int supervised) {}
