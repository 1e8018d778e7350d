package dev.aerie.train;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import dev.aerie.errors.RefusalException;
import java.util.Arrays;

/** What the learning rate does after its linear warm-up. */
public enum Schedule {
    /** Half a cosine from the full rate to 0 at the last step (Loshchilov and Hutter, 2017, without restarts). */
    COSINE("cosine"),
    CONSTANT("constant");

    private final String text;

    Schedule(String text) {
        this.text = text;
    }

    /**
     * The factor of the learning rate in a step: (k + 1) / W in the first W = ⌊warm-up ratio · total⌋ steps, as SpecForge's
     * BF16Optimizer has it.
     *
     * @param step k, 0 for the first
     * @param total steps of the whole run
     */
    double factor(long step, long total, double warmupRatio) {
        long warmup = (long) (warmupRatio * total);
        if (step < warmup) {
            return (step + 1.0) / warmup;
        }
        return switch (this) {
            case CONSTANT -> 1;
            case COSINE -> 0.5 * (1 + Math.cos(Math.PI * (step - warmup) / Math.max(1, total - warmup)));
        };
    }

    /** The name in a recipe. */
    @JsonValue
    public String text() {
        return text;
    }

    /** @throws RefusalException for any other name */
    @JsonCreator
    public static Schedule of(String text) {
        return Arrays.stream(values())
                .filter(s -> s.text.equals(text))
                .findFirst()
                .orElseThrow(() -> new RefusalException("Invalid schedule: " + text + " (expected cosine or constant)"));
    }
}
