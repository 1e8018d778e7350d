package dev.aerie.store;

import java.util.Optional;

/**
 * A conversation of a shard's plan.
 *
 * @param tokens its length
 * @param entry where it is in the shard's file; empty if it was refused
 */
public record PlannedConversation(String id, int tokens, Optional<ConversationEntry> entry) {}
