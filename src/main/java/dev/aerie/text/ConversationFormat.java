package dev.aerie.text;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** How the records of an input file spell a conversation. */
public enum ConversationFormat {

    /** Whichever of the others a record's keys say it is. */
    AUTO(""),

    /** {@code {"id", "conversations": [{"from": "human" | "gpt" | ..., "value"}]}}. */
    SHAREGPT("conversations"),

    /**
     * {@code {"prompt_id", "messages": [...]}} as ultrachat_200k has it, or the older
     * {@code {"id", "data": [user, assistant, ...]}}.
     */
    ULTRACHAT("messages"),

    /** OpenAI: {@code {"id"?, "messages": [{"role", "content", "tool_calls"?, ...}], "tools"?}}. */
    MESSAGES("messages"),

    /** Rendered already: {@code {"id"?, "text"}}. */
    PREFORMATTED("text");

    private static final ObjectMapper JSON = new ObjectMapper();

    private static final Map<String, String> ROLES = Map.ofEntries(
            Map.entry("system", "system"),
            Map.entry("developer", "system"),
            Map.entry("user", "user"),
            Map.entry("human", "user"),
            Map.entry("assistant", "assistant"),
            Map.entry("gpt", "assistant"),
            Map.entry("chatgpt", "assistant"),
            Map.entry("bing", "assistant"),
            Map.entry("bard", "assistant"),
            Map.entry("model", "assistant"),
            Map.entry("tool", "tool"),
            Map.entry("function", "tool"),
            Map.entry("observation", "tool"));

    private final String key;

    ConversationFormat(String key) {
        this.key = key;
    }

    /** @throws IllegalArgumentException for a name that is none of ours */
    public static ConversationFormat of(String name) {
        return Arrays.stream(values()).filter(f -> f.text().equals(name)).findFirst()
                .orElseThrow(() -> new IllegalArgumentException("Invalid format: " + name + " (expected "
                        + Arrays.stream(values()).map(ConversationFormat::text).collect(Collectors.joining(", ")) + ")"));
    }

    /** The name in recipes. */
    public String text() {
        return name().toLowerCase(java.util.Locale.ROOT);
    }

    /** The id a record gives itself, or null. */
    static String id(JsonNode record) {
        for (String name : List.of("id", "prompt_id", "conversation_id")) {
            JsonNode id = record.path(name);
            if (id.isTextual() && !id.textValue().isBlank() || id.isIntegralNumber()) {
                return id.asText();
            }
        }
        return null;
    }

    Conversation parse(JsonNode record, String id, String source) throws UnusableConversationException {
        if (!record.isObject()) {
            throw new UnusableConversationException("not a JSON object");
        }
        if (this == AUTO) {
            return detect(record).parse(record, id, source);
        }
        if (this == PREFORMATTED) {
            JsonNode text = record.path(key);
            if (!text.isTextual() || text.textValue().isBlank()) {
                throw new UnusableConversationException("no text under \"text\"");
            }
            return Conversation.ofText(id, source, text.textValue());
        }
        List<Message> messages = this == ULTRACHAT && record.has("data")
                ? alternating(turns(record, "data"))
                : messages(turns(record, key));
        RoleOrder.check(messages);
        List<Object> tools = record.path("tools").isArray() ? plainList(record.get("tools")) : List.of();
        return new Conversation(id, source, messages, null, tools);
    }

    private static ConversationFormat detect(JsonNode record) throws UnusableConversationException {
        if (record.has("data")) {
            return ULTRACHAT;
        }
        for (ConversationFormat format : List.of(SHAREGPT, MESSAGES, PREFORMATTED)) {
            if (record.has(format.key)) {
                return format;
            }
        }
        throw new UnusableConversationException("none of \"conversations\", \"messages\", \"data\" and \"text\"");
    }

    private static JsonNode turns(JsonNode record, String key) throws UnusableConversationException {
        JsonNode turns = record.path(key);
        if (!turns.isArray()) {
            throw new UnusableConversationException("no list under \"" + key + "\"");
        }
        if (turns.isEmpty()) {
            throw new UnusableConversationException("no turns");
        }
        return turns;
    }

    private static List<Message> alternating(JsonNode turns) throws UnusableConversationException {
        List<Message> messages = new ArrayList<>();
        for (JsonNode turn : turns) {
            messages.add(new Message(messages.size() % 2 == 0 ? "user" : "assistant", content(turn, messages.size())));
        }
        return messages;
    }

    private static List<Message> messages(JsonNode turns) throws UnusableConversationException {
        List<Message> messages = new ArrayList<>();
        for (JsonNode turn : turns) {
            int at = messages.size();
            JsonNode role = turn.has("role") ? turn.get("role") : turn.path("from");
            if (!role.isTextual()) {
                throw new UnusableConversationException("turn " + (at + 1) + " has no role");
            }
            String known = ROLES.get(role.textValue());
            if (known == null) {
                throw new UnusableConversationException("turn " + (at + 1) + " has the unknown role " + role.textValue());
            }
            Map<String, Object> fields = fields(turn);
            JsonNode content = turn.has("content") ? turn.get("content") : turn.path("value");
            boolean callsOnly = (content.isNull() || content.isMissingNode()) && fields.containsKey("tool_calls");
            messages.add(new Message(known, callsOnly ? null : content(content, at), fields));
        }
        return messages;
    }

    /** A string, or a list of text parts, joined. */
    private static String content(JsonNode content, int turn) throws UnusableConversationException {
        if (content.isTextual()) {
            return content.textValue();
        }
        if (!content.isArray()) {
            throw new UnusableConversationException("turn " + (turn + 1) + " has no text");
        }
        StringBuilder all = new StringBuilder();
        for (JsonNode part : content) {
            if (!part.path("type").asText("").equals("text") || !part.path("text").isTextual()) {
                throw new UnusableConversationException(
                        "turn " + (turn + 1) + " has a part of type " + part.path("type").asText("none") + " (expected text)");
            }
            all.append(part.get("text").textValue());
        }
        return all.toString();
    }

    private static Map<String, Object> fields(JsonNode turn) {
        Map<String, Object> fields = new LinkedHashMap<>();
        turn.properties().forEach(e -> {
            switch (e.getKey()) {
                case "role", "from", "content", "value" -> { }
                case "tool_calls" -> {
                    if (e.getValue().isArray() && !e.getValue().isEmpty()) {
                        fields.put(e.getKey(), toolCalls(e.getValue()));
                    }
                }
                default -> {
                    if (!e.getValue().isNull()) {
                        fields.put(e.getKey(), plain(e.getValue()));
                    }
                }
            }
        });
        return fields;
    }

    /** Arguments come as an object or as JSON in a string; templates that print them as JSON want the object. */
    private static List<Object> toolCalls(JsonNode calls) {
        JsonNode copy = calls.deepCopy();
        for (JsonNode call : copy) {
            JsonNode function = call.path("function");
            if (function.path("arguments").isTextual()) {
                try {
                    JsonNode arguments = JSON.readTree(function.get("arguments").textValue());
                    if (arguments.isObject()) {
                        ((com.fasterxml.jackson.databind.node.ObjectNode) function).set("arguments", arguments);
                    }
                } catch (JsonProcessingException notJson) {
                    // Some data sets hold plain text there; the template gets it as it is.
                }
            }
        }
        return plainList(copy);
    }

    private static Object plain(JsonNode node) {
        return JSON.convertValue(node, Object.class);
    }

    private static List<Object> plainList(JsonNode array) {
        List<Object> out = new ArrayList<>();
        array.forEach(n -> out.add(plain(n)));
        return out;
    }
}
