package dev.aerie.text;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * A conversation as it was read: turns, or text that is already rendered.
 *
 * @param id of the record, else file and index
 * @param source the input it came from
 * @param messages the turns; empty where {@code text} is given
 * @param text rendered text, to which no template is applied; null if there are turns
 * @param tools declarations of tools in the template's form; empty if there are none
 * @param templateVariables variables of the template that the record sets, such as {@code enable_thinking}
 * @param unreadFields names of the record's fields that nothing reads
 */
public record Conversation(String id, String source, List<Message> messages, String text, List<Object> tools,
        Map<String, Object> templateVariables, List<String> unreadFields) implements InputRecord {

    public Conversation {
        Objects.requireNonNull(id, "id");
        messages = List.copyOf(messages);
        tools = List.copyOf(tools);
        templateVariables = templateVariables == null
                ? Map.of() : Collections.unmodifiableMap(new LinkedHashMap<>(templateVariables));
        unreadFields = unreadFields == null ? List.of() : List.copyOf(unreadFields);
        if (messages.isEmpty() == (text == null)) {
            throw new IllegalArgumentException("Invalid conversation " + id + ": it has " + messages.size() + " turns and "
                    + (text == null ? "no" : "a") + " rendered text (expected one of the two)");
        }
    }

    /** One whose record says nothing beside its turns and tools. */
    public static Conversation of(String id, String source, List<Message> messages, List<Object> tools) {
        return new Conversation(id, source, messages, null, tools, Map.of(), List.of());
    }

    public static Conversation of(String id, String source, List<Message> messages) {
        return of(id, source, messages, List.of());
    }

    public static Conversation ofText(String id, String source, String text) {
        return new Conversation(id, source, List.of(), text, List.of(), Map.of(), List.of());
    }
}
