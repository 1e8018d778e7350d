package dev.aerie.evaluate;

import com.fasterxml.jackson.databind.JsonNode;
import dev.aerie.errors.RefusalException;
import dev.aerie.text.Message;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** What a line of a prompt file looks like. */
public enum PromptFormat {

    /** Whichever of the others has the keys of the record. */
    AUTO,
    /** {@code {"question": ...}}, as GSM8K has it. */
    GSM8K,
    /** {@code {"prompt": ...}}, or {@code {"messages": [{"role": ..., "content": ...}, ...]}} that end with the user's. */
    JSONL;

    /** @throws RefusalException for a name that is none of them */
    public static PromptFormat of(String name) {
        return Arrays.stream(values())
                .filter(f -> f.name().toLowerCase(Locale.ROOT).equals(name))
                .findFirst()
                .orElseThrow(() -> new RefusalException(
                        "Invalid prompts.format: " + name + " (expected auto, gsm8k or jsonl)"));
    }

    /** The turns up to the target's, or null where the record has not this format. */
    List<Message> messages(JsonNode record) {
        if (this == AUTO) {
            List<Message> found = GSM8K.messages(record);
            return found == null ? JSONL.messages(record) : found;
        }
        JsonNode text = record.path(this == GSM8K ? "question" : "prompt");
        if (text.isTextual()) {
            return List.of(new Message("user", text.textValue()));
        }
        return this == JSONL ? turns(record.path("messages")) : null;
    }

    private static List<Message> turns(JsonNode list) {
        List<Message> out = new ArrayList<>();
        for (JsonNode turn : list) {
            if (!turn.path("role").isTextual() || !turn.path("content").isTextual()) {
                return null;
            }
            out.add(new Message(turn.path("role").textValue(), turn.path("content").textValue()));
        }
        return out.isEmpty() || !out.get(out.size() - 1).role().equals("user") ? null : out;
    }
}
