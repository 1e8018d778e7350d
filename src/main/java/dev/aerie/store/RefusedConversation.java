package dev.aerie.store;

import java.io.Serializable;

/**
 * A planned conversation that is not in its shard.
 *
 * @param place how many conversations of the shard were written or refused before it: its place in the plan
 * @param tokens its length in the plan
 */
public record RefusedConversation(String id, Part part, int place, int tokens, String reason) implements Serializable {}
