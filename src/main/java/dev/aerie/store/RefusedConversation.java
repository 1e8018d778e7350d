package dev.aerie.store;

import java.io.Serializable;

/** A planned conversation that is not in its shard, with the reason. */
public record RefusedConversation(String id, Part part, String reason) implements Serializable {}
