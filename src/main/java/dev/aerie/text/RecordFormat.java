package dev.aerie.text;

import com.fasterxml.jackson.databind.JsonNode;

/** What the records of an input mean. */
public interface RecordFormat {

    /**
     * The conversation that a record holds.
     *
     * @param record without nulls in its objects, which mean that a field is not there
     * @throws UnusableConversationException with the reason, for a person
     */
    Conversation parse(JsonNode record, String id, String source) throws UnusableConversationException;
}
