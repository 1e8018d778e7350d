package dev.aerie.prepare;

import dev.aerie.spark.SharedModels;
import dev.aerie.spark.TaskDevice;
import dev.aerie.store.ShardWriter;
import dev.aerie.target.HiddenStates;
import dev.aerie.target.PackedTokens;
import dev.aerie.target.Target;
import dev.aerie.torch.LibTorch;
import dev.aerie.torch.Scope;
import java.io.IOException;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.function.VoidFunction;
import org.apache.spark.util.LongAccumulator;
import org.apache.spark.util.SerializableConfiguration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Makes one shard: runs its conversations through the target in waves, writes their states to a file, and commits it. */
final class ShardTask implements VoidFunction<Iterator<Integer>> {

    private static final Logger LOG = LoggerFactory.getLogger(ShardTask.class);

    private final CaptureSettings settings;
    private final SerializableConfiguration conf;
    private final RefusalLimit refusals;
    private final ShardTokens conversations;
    private final LongAccumulator tokens;
    private final CaptureTimes times;
    private final ShardObserver observer;
    private final Attempts attempts;

    /** How a shard's file is started. */
    interface Attempts extends Serializable {

        /** @return empty if there is nothing to make */
        Optional<ShardWriter> start(String store, Configuration conf, int shard) throws IOException;
    }

    /**
     * @param conversations those of each shard
     * @param attempts starts the shards' files
     */
    ShardTask(CaptureSettings settings, SerializableConfiguration conf, RefusalLimit refusals, ShardTokens conversations,
            LongAccumulator tokens, CaptureTimes times, ShardObserver observer, Attempts attempts) {
        this.settings = settings;
        this.conf = conf;
        this.refusals = refusals;
        this.conversations = conversations;
        this.tokens = tokens;
        this.times = times;
        this.observer = observer;
        this.attempts = attempts;
    }

    @Override
    public void call(Iterator<Integer> shards) throws IOException {
        while (shards.hasNext()) {
            make(shards.next());
        }
    }

    private void make(int shard) throws IOException {
        // A task is repeated if its executor died between the marker and the task's end.
        Optional<ShardWriter> attempt = attempts.start(settings.output().store(), conf.value(), shard);
        if (attempt.isEmpty()) {
            return;
        }
        LibTorch.setThreads(settings.resources().threadsOr(TaskContext.get().cpus()));
        try (ShardWriter writer = attempt.get();
                SharedModels.Lease<Target> lease = ResidentTargets.lease(settings.target(),
                        TaskDevice.of(TaskContext.get(), settings.resources().device()), conf.value());
                ShardTokens.Rows rows = conversations.of(shard, conf.value());
                WaveWriter waves = new WaveWriter(writer, refusals)) {
            write(rows, lease.model(), waves);
            waves.finish();
            observer.beforeCommit(shard);
            ShardWriter.Commit commit = writer.commit();
            times.encode().add(writer.encodeNanos());
            times.write().add(writer.writeNanos());
            times.waiting().add(waves.waitNanos());
            LOG.info("Shard {}: {} tokens, {}", shard, commit.shard().tokens(),
                    commit.won() ? "committed" : "was committed by another");
            observer.afterCommit(shard);
        }
    }

    /**
     * Conversations form micro-batches, and micro-batches waves. States depend only on the former, so a shard does not depend on
     * the memory for waves.
     */
    private void write(Iterator<TokenizedRow> conversations, Target target, WaveWriter writer) throws IOException {
        long waveTokens = target.waveTokens(settings.waves().waveMemory(), settings.captureLayers().size());
        List<List<TokenizedRow>> wave = new ArrayList<>();
        long tokensInWave = 0;
        List<TokenizedRow> batch = new ArrayList<>();
        int size = 0;
        Iterator<TokenizedRow> rows = new HeldOutContinuations(conversations, target, settings.continuationTokens(), writer);
        while (rows.hasNext()) {
            TokenizedRow row = rows.next();
            int length = row.sequence().length();
            if (!batch.isEmpty() && size + length > settings.waves().microBatchTokens()) {
                wave.add(batch);
                tokensInWave += size;
                batch = new ArrayList<>();
                size = 0;
                if (tokensInWave + settings.waves().microBatchTokens() > waveTokens) {
                    capture(wave, target, writer);
                    wave = new ArrayList<>();
                    tokensInWave = 0;
                }
            }
            batch.add(row);
            size += length;
        }
        if (!batch.isEmpty()) {
            wave.add(batch);
            capture(wave, target, writer);
        }
    }

    private void capture(List<List<TokenizedRow>> wave, Target target, WaveWriter writer) throws IOException {
        List<PackedTokens> packed = wave.stream()
                .map(batch -> PackedTokens.of(batch.stream().map(row -> row.sequence().inputIds()).toList()))
                .toList();
        try (Scope scope = Scope.open()) {
            long start = System.nanoTime();
            List<HiddenStates> states = target.hiddenStates(packed, settings.layers());
            times.forward().add(System.nanoTime() - start);
            List<WaveWriter.Batch> batches = new ArrayList<>();
            for (int i = 0; i < wave.size(); i++) {
                batches.add(new WaveWriter.Batch(wave.get(i), packed.get(i).cuSeqlens(), states.get(i)));
            }
            writer.write(batches);
        }
        tokens.add(packed.stream().mapToInt(PackedTokens::tokens).sum());
        if (TaskContext.get().isInterrupted()) {
            throw new org.apache.spark.TaskKilledException("another attempt has committed the shard, or the job ended");
        }
    }
}
