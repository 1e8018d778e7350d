package dev.aerie.evaluate;

import dev.aerie.errors.RefusalException;
import dev.aerie.target.Residency;
import dev.aerie.target.Sampling;
import dev.aerie.torch.DType;
import java.io.Serializable;
import java.util.List;

/**
 * What one evaluation does.
 *
 * @param target the target as every host finds it: an absolute path or a URI
 * @param draft an exported draft, likewise
 * @param dtype that both compute in
 * @param residency where the target's layers are kept; the texts do not depend on it
 * @param draftTokens proposed in each round
 * @param maxNewTokens of each text, the prefill's token included
 * @param temperature 0 decodes greedily, which alone can be compared token for token; topK and topP as in {@link Sampling}
 * @param seed of what is drawn when sampling
 * @param device {@code auto} (a GPU where Spark gave the task one), {@code cpu} or {@code cuda}
 * @param threads that libtorch uses in each executor
 */
public record EvaluateSettings(
        String target,
        String draft,
        DType dtype,
        Residency residency,
        int draftTokens,
        int maxNewTokens,
        double temperature,
        int topK,
        double topP,
        long seed,
        String device,
        int threads) implements Serializable {

    /** Tokens that serving engines commonly draft, and TTT steps that training unrolls. */
    public static final int DRAFT_TOKENS = 7;

    public static final int MAX_NEW_TOKENS = 128;

    public EvaluateSettings {
        require(draftTokens >= 1, "draft_tokens", draftTokens);
        require(maxNewTokens >= 1, "max_new_tokens", maxNewTokens);
        require(threads >= 1, "threads", threads);
        new Sampling(temperature, topK, topP);
        if (!List.of("auto", "cpu", "cuda").contains(device)) {
            throw new RefusalException("Invalid device: " + device + " (expected auto, cpu or cuda)");
        }
    }

    /** Greedy, in float32 on the CPU, with the defaults of the rest. */
    public static EvaluateSettings greedy(String target, String draft, int threads) {
        return new EvaluateSettings(target, draft, DType.F32, Residency.RESIDENT, DRAFT_TOKENS, MAX_NEW_TOKENS, 0, 0, 1, 0,
                "cpu", threads);
    }

    Sampling sampling() {
        return new Sampling(temperature, topK, topP);
    }

    private static void require(boolean good, String what, int value) {
        if (!good) {
            throw new RefusalException("Invalid " + what + ": " + value + " (expected at least 1)");
        }
    }
}
