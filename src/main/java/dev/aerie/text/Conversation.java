package dev.aerie.text;

import java.util.List;
import java.util.Objects;

/**
 * A conversation as it was read: turns, or text that was rendered already.
 *
 * @param id as the record has it, else file and index
 * @param source the input it came from
 * @param messages the turns; empty where {@code text} is given
 * @param text rendered text, which no template is run on; null where there are turns
 * @param tools declarations of tools, as the template wants them; empty for none
 */
public record Conversation(String id, String source, List<Message> messages, String text, List<Object> tools)
        implements InputRecord {

    public Conversation {
        Objects.requireNonNull(id, "id");
        messages = List.copyOf(messages);
        tools = List.copyOf(tools);
        if (messages.isEmpty() == (text == null)) {
            throw new IllegalArgumentException("Invalid conversation " + id + ": it has " + messages.size() + " turns and "
                    + (text == null ? "no" : "a") + " rendered text (expected one of the two)");
        }
    }

    public static Conversation of(String id, String source, List<Message> messages) {
        return new Conversation(id, source, messages, null, List.of());
    }

    public static Conversation ofText(String id, String source, String text) {
        return new Conversation(id, source, List.of(), text, List.of());
    }
}
