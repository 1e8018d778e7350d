package dev.aerie.train;

import java.io.Serializable;
import java.time.Duration;

/**
 * How a training uses a rolling store.
 *
 * @param training URI of the training's output, which names it in the store
 * @param inTurn whether the ranks end when a shard is missing, so that it can be made on their executors, and begin again; else
 *     they wait until another application or other executors have made it
 * @param patience how long they wait for a shard
 */
public record RollingTraining(String training, boolean inTurn, Duration patience) implements Serializable {}
