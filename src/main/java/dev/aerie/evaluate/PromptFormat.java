package dev.aerie.evaluate;

import com.fasterxml.jackson.databind.JsonNode;
import dev.aerie.errors.Choice;
import dev.aerie.text.Conversation;
import dev.aerie.text.ConversationFormat;
import dev.aerie.text.RecordFormat;
import dev.aerie.text.UnusableConversationException;
import java.util.List;

/** What a record of a prompt file looks like. */
public enum PromptFormat implements RecordFormat, Choice {

    /** Whichever of the others has the keys of the record. */
    AUTO,
    /** {@code {"question": ...}}, as GSM8K has it. */
    GSM8K,
    /**
     * A text alone, {@code {"prompt": ...}}, or {@code {"messages": [{"role": ..., "content": ...}, ...]}} that end with the user's.
     */
    JSONL;

    /** @throws UnusableConversationException where the record has not this format */
    @Override
    public Conversation parse(JsonNode record, String id, String source) throws UnusableConversationException {
        if (record.isTextual() && this != GSM8K) {
            return ConversationFormat.prompt(record, id, source, record.textValue());
        }
        Conversation prompt = this == GSM8K ? null : ConversationFormat.prompt(record, id, source);
        if (prompt != null) {
            return prompt;
        }
        List<String> names = this == GSM8K ? List.of("question") : this == JSONL ? List.of("prompt") : List.of("question", "prompt");
        for (String name : names) {
            if (record.path(name).isTextual()) {
                return ConversationFormat.prompt(record, id, source, record.get(name).textValue());
            }
        }
        // MT-Bench: what the user says later answers the target, and is no prompt by itself.
        if (this != GSM8K && record.path("turns").isArray() && record.path("turns").path(0).isTextual()) {
            return ConversationFormat.prompt(record, id, source, record.path("turns").get(0).textValue());
        }
        throw new UnusableConversationException("expected " + switch (this) {
            case GSM8K -> "a question";
            case JSONL -> "a prompt, turns, or messages that end with the user's";
            case AUTO -> "a question, a prompt, turns, or messages that end with the user's";
        });
    }
}
