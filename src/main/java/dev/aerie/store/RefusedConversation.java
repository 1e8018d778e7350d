package dev.aerie.store;

/** A planned conversation that is not in its shard, and why. */
public record RefusedConversation(String id, Part part, String reason) {}
