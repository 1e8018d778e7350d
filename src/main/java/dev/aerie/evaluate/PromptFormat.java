package dev.aerie.evaluate;

import com.fasterxml.jackson.databind.JsonNode;
import dev.aerie.errors.Choice;
import dev.aerie.text.Conversation;
import dev.aerie.text.ConversationFormat;
import dev.aerie.text.RecordFormat;
import dev.aerie.text.UnusableConversationException;
import java.util.List;

/** The formats of records in prompt files. */
public enum PromptFormat implements RecordFormat, Choice {

    /** The first of the other formats whose keys the record has. */
    AUTO,
    /** {@code {"question": ...}}, the format of GSM8K. */
    GSM8K,
    /**
     * A text, {@code {"prompt": ...}}, or {@code {"messages": [{"role": ..., "content": ...}, ...]}} that end with a user's turn.
     */
    JSONL;

    /** @throws UnusableConversationException if the record does not have this format */
    @Override
    public Conversation parse(JsonNode record, String id, String source) throws UnusableConversationException {
        if (record.isTextual() && this != GSM8K) {
            return ConversationFormat.prompt(record, id, source, record.textValue());
        }
        Conversation prompt = this == GSM8K ? null : ConversationFormat.prompt(record, id, source);
        if (prompt != null) {
            return prompt;
        }
        List<String> names = this == GSM8K ? List.of("question") : this == JSONL ? List.of("prompt")
                : List.of("question", "prompt");
        for (String name : names) {
            if (record.path(name).isTextual()) {
                return ConversationFormat.prompt(record, id, source, record.get(name).textValue());
            }
        }
        // MT-Bench: the user's later turns answer the target and are not prompts by themselves.
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
