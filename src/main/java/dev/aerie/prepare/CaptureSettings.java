package dev.aerie.prepare;

import dev.aerie.spark.TaskResources;
import dev.aerie.store.Codec;
import dev.aerie.store.Container;
import dev.aerie.store.TeacherRows;
import dev.aerie.spark.TargetSettings;
import java.io.Serializable;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * The settings of a capture. The recipe checks the ranges of single values.
 *
 * @param captureLayers decoder layers, 0-based, low to high
 * @param continuationTokens largest number of tokens in a held-out continuation
 * @param maxRefusedShare of the conversations that may be left out, such as for NaN in their states; more stop the run
 */
public record CaptureSettings(
        TargetSettings target,
        List<Integer> captureLayers,
        Waves waves,
        Output output,
        Origin origin,
        int continuationTokens,
        double maxRefusedShare,
        TaskResources resources)
        implements Serializable {

    /**
     * The sizes of micro-batches and waves.
     *
     * @param microBatchTokens most tokens that pass through a layer together, unless a single conversation is longer
     * @param waveMemory bytes that the states of a wave may take if layers are streamed; the stored states do not depend on it
     */
    public record Waves(int microBatchTokens, long waveMemory) implements Serializable {}

    /**
     * The output of a capture.
     *
     * @param store its folder
     * @param codec its codec's name
     * @param container the format of its shards' files
     * @param teacherRows for which tokens the state after the final norm is stored
     * @param shardTokens tokens in a shard at most
     * @param seed of the order of conversations
     */
    public record Output(String store, String codec, Container container, TeacherRows teacherRows, long shardTokens, long seed)
            implements Serializable {
        public Output {
            Codec.of(codec);
        }
    }

    /**
     * Digests of what the store is made from, besides its target and conversations.
     *
     * @param tokenizer SHA-256 of tokenizer.json
     * @param template SHA-256 of the chat template as it was run
     * @param settings the values that decide the numbers of states, by the recipe's keys
     */
    public record Origin(String tokenizer, String template, SortedMap<String, String> settings) implements Serializable {
        public Origin {
            settings = new TreeMap<>(settings);
        }
    }

    public CaptureSettings {
        captureLayers = List.copyOf(captureLayers);
    }

    int[] layers() {
        return captureLayers.stream().mapToInt(Integer::intValue).toArray();
    }

    /** Returns the same with the store's folder spelled otherwise. */
    CaptureSettings withStore(String uri) {
        Output elsewhere = new Output(uri, output.codec(), output.container(), output.teacherRows(), output.shardTokens(),
                output.seed());
        return new CaptureSettings(target, captureLayers, waves, elsewhere, origin, continuationTokens, maxRefusedShare,
                resources);
    }
}
