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
 * @param totalSteps steps of the whole run
 * @param epoch 0 for the first
 * @param loss Σ 0.8^i · mean loss of TTT step i, which the step minimised
 * @param losses mean loss of each TTT step, in nats
 * @param accuracy share of the supervised rows where draft and teacher have the same arg-max
 * @param acceptance mean over the loss rows of Σ min(p, q)
 * @param lossRows rows that carried loss
 * @param gradNorm global norm of the gradient before clipping
 * @param learningRate used in this step
 * @param tokens of this step, over all ranks, prompts included
 * @param seconds duration of this step, including the wait for conversations to be read
 * @param tokensPerSecond of this step, over all ranks
 * @param waitSeconds of these, rank 0 waiting for conversations to be read
 * @param skipped conversations of this step, over all ranks, that were left out because a chunk of theirs is corrupt
 * @param rssMegabytes resident memory of rank 0's process; null if the system does not report it
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
        double waitSeconds,
        long skipped,
        Long rssMegabytes,
        HeldOut heldOut) {

    /**
     * The result of TTT replay over the target's continuations.
     *
     * @param conversations number of conversations replayed
     * @param skipped conversations that were left out because a chunk of theirs is corrupt
     * @param acceptanceLength tokens emitted per pass of the target, its own token included
     * @param hitRate share of rounds in which at least k drafted tokens were accepted, k from 1
     * @param seconds duration of the replay
     */
    public record HeldOut(long conversations, long skipped, double acceptanceLength, double[] hitRate, double seconds) {}

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

    /** @throws RefusalException if the text is not a line of metrics.jsonl */
    public static StepMetrics parse(String line) {
        try {
            return JSON.readValue(line, StepMetrics.class);
        } catch (JsonProcessingException e) {
            throw new RefusalException("Invalid line of metrics: " + line + " (expected JSON as described in docs/training.md)",
                    e);
        }
    }
}
