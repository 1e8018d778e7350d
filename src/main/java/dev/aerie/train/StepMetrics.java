package dev.aerie.train;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.aerie.errors.RefusalException;

/**
 * One line of metrics.jsonl. Arrays have an entry for each TTT step.
 *
 * @param step optimizer steps done, 1 after the first
 * @param totalSteps of the whole run
 * @param epoch 0 for the first
 * @param loss Σ 0.8^i · mean loss of TTT step i: what the step minimised
 * @param losses mean loss of each TTT step, in nats
 * @param accuracy share of the supervised rows where draft and teacher have the same arg-max
 * @param acceptance mean over the loss rows of Σ min(p, q)
 * @param lossRows rows that carried loss
 * @param gradNorm global, before it is bounded
 * @param learningRate used in this step
 * @param tokens of this step, over all ranks, prompts included
 * @param seconds that this step took, waiting for conversations to be read included
 * @param tokensPerSecond of this step, over all ranks
 * @param rssMegabytes resident memory of rank 0's process; null where the system does not tell
 * @param heldOut null unless measured after this step
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record StepMetrics(
        long step,
        long totalSteps,
        int epoch,
        double loss,
        double[] losses,
        double[] accuracy,
        double[] acceptance,
        long[] lossRows,
        double gradNorm,
        double learningRate,
        long tokens,
        double seconds,
        double tokensPerSecond,
        Long rssMegabytes,
        HeldOut heldOut) {

    /**
     * What TTT replay over the target's own continuations says.
     *
     * @param conversations replayed
     * @param acceptanceLength tokens emitted by each pass of the target, its own token included
     * @param hitRate share of rounds in which at least k drafted tokens were accepted, k from 1
     * @param seconds that it took
     */
    public record HeldOut(long conversations, double acceptanceLength, double[] hitRate, double seconds) {}

    private static final JsonMapper JSON = JsonMapper.builder()
            .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
            .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
            .build();

    String toJson() {
        try {
            return JSON.writeValueAsString(this);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
    }

    /** @throws RefusalException if it is no line of metrics.jsonl */
    public static StepMetrics parse(String line) {
        try {
            return JSON.readValue(line, StepMetrics.class);
        } catch (JsonProcessingException e) {
            throw new RefusalException("Invalid line of metrics: " + line + " (expected JSON as docs/training.md)", e);
        }
    }
}
