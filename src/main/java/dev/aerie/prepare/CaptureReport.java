package dev.aerie.prepare;

import dev.aerie.store.HiddenStateStore;

/**
 * The result of a capture.
 *
 * @param store complete, with its manifest
 * @param shards shards that this run made; the others existed
 * @param tokens tokens that this run captured
 * @param seconds wall time of the target's part, loading included
 * @param refused conversations that no shard holds, such as those with NaN in their states
 */
public record CaptureReport(HiddenStateStore store, int shards, long tokens, double seconds, long refused) {}
