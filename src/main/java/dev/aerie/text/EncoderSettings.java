package dev.aerie.text;

import dev.aerie.errors.RefusalException;
import java.io.Serializable;
import java.time.LocalDate;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * How conversations become tokens and a loss mask.
 *
 * @param modelFolder     folder of the target, with tokenizer.json and the chat template
 * @param template        source of a template to use in place of the folder's; null for the folder's
 * @param systemPrompt    put before conversations that have none; null for none
 * @param assistantHeader what begins an assistant's turn in the rendered text; null to find it from the template
 * @param endOfTurn       what ends it; null to find it from the template
 * @param maxLength       the most tokens that a conversation may have
 * @param overLength      what to do with longer ones
 * @param orderFault      what to do with turns out of order
 * @param lastTurnOnly    whether only the assistant's last turn is supervised
 * @param templateVariables what the template is told beside the conversation; a record's own win
 * @param date            what a template that writes today's date writes; null for the day of the rendering
 * @param lossRun         neighbouring supervised tokens that training needs somewhere: 2 in strict mode, else 1
 */
public record EncoderSettings(String modelFolder, String template, String systemPrompt, String assistantHeader,
        String endOfTurn, int maxLength, OverLength overLength, OrderFault orderFault, boolean lastTurnOnly,
        Map<String, Object> templateVariables, LocalDate date, int lossRun)
        implements Serializable {

    public EncoderSettings {
        if (maxLength < 2) {
            throw new RefusalException("Invalid max_length: " + maxLength + " (expected at least 2)");
        }
        templateVariables = Collections.unmodifiableMap(new LinkedHashMap<>(templateVariables));
    }

    /** With no variables and no date, for any training. */
    public EncoderSettings(String modelFolder, String template, String systemPrompt, String assistantHeader,
            String endOfTurn, int maxLength, OverLength overLength, OrderFault orderFault, boolean lastTurnOnly) {
        this(modelFolder, template, systemPrompt, assistantHeader, endOfTurn, maxLength, overLength, orderFault, lastTurnOnly,
                Map.of(), null, 1);
    }

    /** The folder's own template and markers, no system prompt, every assistant turn supervised. */
    public static EncoderSettings of(String modelFolder, int maxLength, OverLength overLength) {
        return new EncoderSettings(modelFolder, null, null, null, null, maxLength, overLength, OrderFault.REFUSE, false);
    }

    /** The same with the model's folder spelled otherwise. */
    public EncoderSettings withModelFolder(String folder) {
        return new EncoderSettings(folder, template, systemPrompt, assistantHeader, endOfTurn, maxLength, overLength,
                orderFault, lastTurnOnly, templateVariables, date, lossRun);
    }

    /** The same with what the template is told. */
    public EncoderSettings told(Map<String, Object> variables, LocalDate day) {
        return new EncoderSettings(modelFolder, template, systemPrompt, assistantHeader, endOfTurn, maxLength, overLength,
                orderFault, lastTurnOnly, variables, day, lossRun);
    }

    /** The same for training that learns only from so many neighbouring supervised tokens. */
    public EncoderSettings withLossRun(int tokens) {
        return new EncoderSettings(modelFolder, template, systemPrompt, assistantHeader, endOfTurn, maxLength, overLength,
                orderFault, lastTurnOnly, templateVariables, date, tokens);
    }

    /** SpecForge's conventions, to reproduce its runs: what is out of order or too long is cut off. */
    public static EncoderSettings specforge(String modelFolder, String systemPrompt, int maxLength, boolean lastTurnOnly) {
        return new EncoderSettings(
                modelFolder, null, systemPrompt, null, null, maxLength, OverLength.TRUNCATE, OrderFault.TRUNCATE, lastTurnOnly);
    }
}
