package dev.aerie.text;

import dev.aerie.text.jinja.TemplateException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The field names under which a template reads an assistant's thought. Data sets and engines use several; a thought under another
 * name than the template's would be lost in silence.
 *
 * @param read the names that the template reads, in the order of {@link #NAMES}; empty where it reads none
 */
record Thoughts(List<String> read) {

    static final List<String> NAMES = List.of("reasoning_content", "reasoning", "thinking", "thought");

    private static final String REASON = "Rq7thought";

    /** Renders a thought under each name, beside a text and beside a call. */
    static Thoughts probe(ChatTemplate template) {
        return new Thoughts(NAMES.stream().filter(name -> shown(template, name)).toList());
    }

    private static boolean shown(ChatTemplate template, String name) {
        Message user = new Message("user", "q7");
        Map<String, Object> calling = new LinkedHashMap<>();
        calling.put(name, REASON);
        calling.put("tool_calls", List.of(Map.of("id", "q7q7q7q7q", "type", "function",
                "function", Map.of("name", "q7", "arguments", Map.of("q7", "q7")))));
        List<Message> answers =
                List.of(new Message("assistant", "q7", Map.of(name, REASON)), new Message("assistant", "", calling));
        for (Message answer : answers) {
            try {
                if (template.render(List.of(user, answer), false).contains(REASON)) {
                    return true;
                }
            } catch (TemplateException e) {
                // Of this shape the template takes none.
            }
        }
        return false;
    }

    /** Returns the turn with its thought under a name that the template reads. */
    Message adapted(Message message) {
        List<String> own = own(message);
        if (own.isEmpty() || read.isEmpty() || own.stream().anyMatch(read::contains)) {
            return message;
        }
        Map<String, Object> fields = new LinkedHashMap<>(message.fields());
        Object thought = fields.get(own.get(0));
        own.forEach(fields::remove);
        fields.put(read.get(0), thought);
        return new Message(message.role(), message.content(), fields);
    }

    private static List<String> own(Message message) {
        return NAMES.stream().filter(name -> message.fields().get(name) instanceof String text && !text.isBlank()).toList();
    }

    /** The names of a turn's thoughts that nothing reads: another thought than the one that is used, or one that is no text. */
    List<String> unread(Message message) {
        List<String> own = message.role().equals("assistant") && !read.isEmpty() ? own(message) : List.of();
        List<String> asNamed = own.stream().filter(read::contains).toList();
        Set<Object> used = new HashSet<>();
        (asNamed.isEmpty() ? own.stream().limit(1).toList() : asNamed).forEach(name -> used.add(message.fields().get(name)));
        List<String> unread = new ArrayList<>();
        for (String name : NAMES) {
            Object thought = message.fields().get(name);
            boolean empty = thought == null || thought instanceof String text && text.isBlank()
                    || thought instanceof Collection<?> list && list.isEmpty();
            if (!empty && !used.contains(thought)) {
                unread.add(name);
            }
        }
        return unread;
    }
}
