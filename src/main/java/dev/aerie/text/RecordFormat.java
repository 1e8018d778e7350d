package dev.aerie.text;

import com.fasterxml.jackson.databind.JsonNode;

/** Converts the records of an input to conversations. */
public interface RecordFormat {

    /**
     * Returns the conversation that a record holds.
     *
     * @param record without nulls in its objects, which mean that a field is not there
     * @throws UnusableConversationException with the reason, for a person
     */
    Conversation parse(JsonNode record, String id, String source) throws UnusableConversationException;
}
