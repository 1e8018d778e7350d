package dev.aerie.prepare;

import dev.aerie.errors.RefusalException;
import dev.aerie.store.Codec;
import dev.aerie.store.TeacherRows;
import dev.aerie.target.Residency;
import dev.aerie.torch.DType;
import java.io.Serializable;
import java.util.List;

/**
 * What is captured, how, and where to.
 *
 * @param target the target as every host finds it: an absolute path or a URI
 * @param dtype the target computes in: float32 or bfloat16
 * @param captureLayers decoder layers, 0-based, low to high
 * @param device {@code auto} (a GPU where Spark gave the task one), {@code cpu} or {@code cuda}
 * @param store folder of the store
 * @param codec name of the store's codec
 * @param teacherRows for which tokens the state after the final norm is stored
 * @param shardTokens tokens in a shard at most
 * @param residency where the target's layers are kept; what is stored does not depend on it
 * @param microBatchTokens tokens that go through a layer together at most, unless a single conversation is longer
 * @param waveMemory bytes that the states of a wave may take where layers are streamed; what is stored does not depend on it
 * @param seed of the order of conversations
 * @param maxNewTokens tokens that held-out prompts are continued by at most
 * @param maxRefusedShare of the conversations that may be left out, such as for NaN in their states; more stop the run
 * @param tokenizerFingerprint SHA-256 of tokenizer.json
 * @param templateFingerprint SHA-256 of the chat template as it was run
 */
public record CaptureSettings(
        String target,
        DType dtype,
        List<Integer> captureLayers,
        String device,
        String store,
        String codec,
        TeacherRows teacherRows,
        long shardTokens,
        Residency residency,
        int microBatchTokens,
        long waveMemory,
        long seed,
        int maxNewTokens,
        double maxRefusedShare,
        String tokenizerFingerprint,
        String templateFingerprint)
        implements Serializable {

    public CaptureSettings {
        captureLayers = List.copyOf(captureLayers);
        Codec.of(codec);
        if (!List.of("auto", "cpu", "cuda").contains(device)) {
            throw new RefusalException("Invalid device: " + device + " (expected auto, cpu or cuda)");
        }
        if (shardTokens < 1 || microBatchTokens < 1 || waveMemory < 1 || maxNewTokens < 1) {
            throw new RefusalException("Invalid budget: shard_tokens " + shardTokens + ", micro_batch_tokens "
                    + microBatchTokens + ", wave_memory " + waveMemory + ", max_new_tokens " + maxNewTokens
                    + " (expected at least 1 each)");
        }
        if (!(maxRefusedShare >= 0 && maxRefusedShare <= 1)) {
            throw new RefusalException("Invalid max_refused_share: " + maxRefusedShare + " (expected 0 to 1)");
        }
    }

    int[] layers() {
        return captureLayers.stream().mapToInt(Integer::intValue).toArray();
    }

    /** The same with the store's folder spelled otherwise. */
    CaptureSettings withStore(String uri) {
        return new CaptureSettings(target, dtype, captureLayers, device, uri, codec, teacherRows, shardTokens, residency,
                microBatchTokens, waveMemory, seed, maxNewTokens, maxRefusedShare, tokenizerFingerprint, templateFingerprint);
    }
}
