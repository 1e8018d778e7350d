package dev.aerie.prepare;

import dev.aerie.store.HiddenStateStore;

/**
 * How a capture ended.
 *
 * @param store whole, with its manifest
 * @param shards shards this run made; the others were there
 * @param tokens tokens this run put through the target
 * @param seconds wall time of the target's part, loading included
 * @param refused conversations that no shard holds, such as those with NaN in their states
 */
public record CaptureReport(HiddenStateStore store, int shards, long tokens, double seconds, long refused) {}
