package dev.aerie.store;

/** A planned conversation that is not in its shard, with the reason. */
public record RefusedConversation(String id, Part part, String reason) {}
