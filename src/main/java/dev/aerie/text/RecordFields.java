package dev.aerie.text;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The fields that stand beside the turns of a record: used, known to have no effect, or named so that they can be counted. */
final class RecordFields {

    /** The system prompt beside the turns, in LLaMA-Factory's and ShareGPT4's spelling. */
    private static final List<String> SYSTEM = List.of("system", "system_prompt");
    private static final Set<String> BESIDE_TURNS = Set.of("tools", "functions", "chat_template_kwargs", "documents");
    /** Names, sources and scores. UltraChat repeats the first turn under {@code prompt}. */
    private static final Set<String> WITHOUT_EFFECT =
            Set.of("id", "prompt_id", "conversation_id", "uuid", "hash", "prompt", "source",
            "dataset", "model", "score", "scores", "language", "lang", "timestamp", "created", "category", "task", "tags", "meta",
            "metadata", "turn", "turns", "redacted", "toxic", "openai_moderation");

    private RecordFields() {}

    /** Returns the record without the nulls in its objects: writers of fixed columns put one wherever a field is not there. */
    static JsonNode withoutNulls(JsonNode node) {
        if (node instanceof ObjectNode object) {
            ObjectNode present = JsonNodeFactory.instance.objectNode();
            for (Map.Entry<String, JsonNode> field : object.properties()) {
                if (!field.getValue().isNull()) {
                    present.set(field.getKey(), withoutNulls(field.getValue()));
                }
            }
            return present;
        }
        if (node instanceof ArrayNode array) {
            ArrayNode elements = JsonNodeFactory.instance.arrayNode(array.size());
            array.forEach(element -> elements.add(withoutNulls(element)));
            return elements;
        }
        return node;
    }

    /** Returns the turns with the system prompt that stands beside them, if one does and none of them is a system turn. */
    static List<Message> withSystem(JsonNode record, List<Message> messages) {
        String name = systemField(record);
        if (name == null || opens(messages)) {
            return messages;
        }
        List<Message> all = new ArrayList<>();
        all.add(new Message("system", systemText(record.get(name))));
        all.addAll(messages);
        return all;
    }

    private static boolean opens(List<Message> messages) {
        return !messages.isEmpty() && messages.get(0).role().equals("system");
    }

    private static String systemField(JsonNode record) {
        return SYSTEM.stream().filter(name -> !systemText(record.path(name)).isBlank()).findFirst().orElse(null);
    }

    /** Returns a text, or the texts of a list of text parts; empty for anything else. */
    private static String systemText(JsonNode system) {
        if (!system.isArray()) {
            return system.isTextual() ? system.textValue() : "";
        }
        StringBuilder text = new StringBuilder();
        for (JsonNode part : system) {
            if (!part.path("text").isTextual()) {
                return "";
            }
            text.append(part.get("text").textValue());
        }
        return text.toString();
    }

    /** Returns what the record says to the template: {@code chat_template_kwargs}, and {@code documents}. */
    static Map<String, Object> templateVariables(JsonNode record) throws UnusableConversationException {
        Map<String, Object> variables = new LinkedHashMap<>();
        JsonNode given = ConversationFormat.parsed(record.path("chat_template_kwargs"));
        if (given.isObject()) {
            given.properties().forEach(e -> variables.put(e.getKey(), ConversationFormat.plain(e.getValue())));
        } else if (!given.isMissingNode() && !given.isNull() && !(given.isTextual() && given.textValue().isBlank())) {
            throw new UnusableConversationException("\"chat_template_kwargs\" is no object");
        }
        JsonNode documents = ConversationFormat.parsed(record.path("documents"));
        if (documents.isArray() && !documents.isEmpty()) {
            variables.putIfAbsent("documents", ConversationFormat.plain(documents));
        }
        return variables;
    }

    /**
     * Returns the names of the fields that nothing reads, ascending.
     *
     * @param turns    the field that the turns, or the rendered text, come from
     * @param messages the turns; empty where the text is rendered already, which nothing beside it changes
     */
    static List<String> unread(JsonNode record, String turns, List<Message> messages) {
        List<String> unread = new ArrayList<>();
        String system = opens(messages) ? messages.get(0).content() : null;
        for (Map.Entry<String, JsonNode> field : record.properties()) {
            String name = field.getKey();
            boolean empty = (field.getValue().isTextual() && field.getValue().textValue().isBlank())
                    || field.getValue().isContainerNode() && field.getValue().isEmpty();
            boolean used = name.equals(turns) || WITHOUT_EFFECT.contains(name)
                    || BESIDE_TURNS.contains(name) && !messages.isEmpty() && hasEffect(name, record)
                    || SYSTEM.contains(name) && systemText(field.getValue()).equals(system);
            if (!empty && !used) {
                unread.add(name);
            }
        }
        return unread.stream().sorted().toList();
    }

    private static boolean hasEffect(String name, JsonNode record) {
        return switch (name) {
            case "functions" -> !record.has("tools") && ConversationFormat.parsed(record.get(name)).isArray();
            case "documents" -> ConversationFormat.parsed(record.get(name)).isArray();
            default -> true;
        };
    }
}
