package dev.aerie.text;

import dev.aerie.errors.RefusalException;
import java.io.Serializable;
import java.time.LocalDate;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The settings by which conversations become tokens and a loss mask.
 *
 * @param modelFolder folder of the target, with tokenizer.json and the chat template
 * @param orderFault  what to do with turns out of order
 */
public record EncoderSettings(
        String modelFolder, Rendering rendering, Supervision supervision, Length length, OrderFault orderFault)
        implements Serializable {

    /**
     * The settings of rendering.
     *
     * @param template     source of a template to use in place of the folder's; null for the folder's
     * @param systemPrompt put before conversations that have none; null for none
     * @param variables variables of the template; those of a record take precedence
     * @param date the date for templates that write the current one; null for the day of rendering
     */
    public record Rendering(String template, String systemPrompt, Map<String, Object> variables, LocalDate date)
            implements Serializable {

        /** By the folder's own template, without a system prompt. */
        public static final Rendering PLAIN = new Rendering(null, null, Map.of(), null);

        public Rendering {
            variables = Collections.unmodifiableMap(new LinkedHashMap<>(variables));
        }

        public Rendering withTemplate(String source) {
            return new Rendering(source, systemPrompt, variables, date);
        }

        public Rendering withSystemPrompt(String prompt) {
            return new Rendering(template, prompt, variables, date);
        }

        public Rendering withVariables(Map<String, Object> told) {
            return new Rendering(template, systemPrompt, told, date);
        }

        public Rendering withDate(LocalDate day) {
            return new Rendering(template, systemPrompt, variables, day);
        }
    }

    /**
     * The settings of the loss mask.
     *
     * @param assistantHeader text that opens an assistant's turn; null to find it by a rendered probe
     * @param endOfTurn       what ends it; null to find it from the template
     * @param lastTurnOnly    whether only the assistant's last turn is supervised
     * @param lossRun length of a run of supervised tokens that training needs at least once: 2 in strict mode, else 1
     */
    public record Supervision(String assistantHeader, String endOfTurn, boolean lastTurnOnly, int lossRun)
            implements Serializable {

        /** Every turn of the assistant, by the template's own markers, for any training. */
        public static final Supervision EVERY_TURN = new Supervision(null, null, false, 1);
    }

    /**
     * How long a conversation may be.
     *
     * @param max  the most tokens
     * @param over what to do with longer ones
     */
    public record Length(int max, OverLength over) implements Serializable {

        public Length {
            if (max < 2) {
                throw new RefusalException("Invalid max_length: " + max + " (expected at least 2)");
            }
        }
    }

    /** Returns the folder's own template and markers, no system prompt, every assistant turn supervised. */
    public static EncoderSettings of(String modelFolder, int maxLength, OverLength overLength) {
        return new EncoderSettings(modelFolder, Rendering.PLAIN, Supervision.EVERY_TURN, new Length(maxLength, overLength),
                OrderFault.REFUSE);
    }

    /** Returns SpecForge's conventions, to reproduce its runs: turns out of order and tokens over the length are cut off. */
    public static EncoderSettings specforge(String modelFolder, String systemPrompt, int maxLength, boolean lastTurnOnly) {
        return new EncoderSettings(modelFolder, Rendering.PLAIN.withSystemPrompt(systemPrompt),
                new Supervision(null, null, lastTurnOnly, 1), new Length(maxLength, OverLength.TRUNCATE), OrderFault.TRUNCATE);
    }

    /** Returns the same settings with another path of the model's folder. */
    public EncoderSettings withModelFolder(String folder) {
        return new EncoderSettings(folder, rendering, supervision, length, orderFault);
    }

    public EncoderSettings with(Rendering other) {
        return new EncoderSettings(modelFolder, other, supervision, length, orderFault);
    }

    public EncoderSettings with(Supervision other) {
        return new EncoderSettings(modelFolder, rendering, other, length, orderFault);
    }
}
