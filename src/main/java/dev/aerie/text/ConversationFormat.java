package dev.aerie.text;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.aerie.errors.RefusalException;
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

    /** @throws RefusalException for a name that is none of ours */
    public static ConversationFormat of(String name) {
        return Arrays.stream(values()).filter(f -> f.text().equals(name)).findFirst()
                .orElseThrow(() -> new RefusalException("Invalid format: " + name + " (expected "
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
        return new Conversation(id, source, messages, null, tools(record.path("tools")));
    }

    /** A list, or the same as JSON in a string, as data sets of fixed columns have it. */
    private static List<Object> tools(JsonNode tools) throws UnusableConversationException {
        if (tools.isMissingNode() || tools.isNull() || tools.isTextual() && tools.textValue().isBlank()) {
            return List.of();
        }
        JsonNode list = parsed(tools);
        if (!list.isArray() && !list.isNull()) {
            throw new UnusableConversationException("\"tools\" is no list");
        }
        return plainList(list);
    }

    /** What a string says in JSON; the string itself where that is none. */
    private static JsonNode parsed(JsonNode node) {
        if (!node.isTextual()) {
            return node;
        }
        try {
            JsonNode parsed = JSON.readTree(node.textValue());
            return parsed.isMissingNode() ? node : parsed;
        } catch (JsonProcessingException notJson) {
            return node;
        }
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
            Map<String, Object> fields = fields(turn, at);
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

    private static Map<String, Object> fields(JsonNode turn, int at) throws UnusableConversationException {
        Map<String, Object> fields = new LinkedHashMap<>();
        for (Map.Entry<String, JsonNode> field : turn.properties()) {
            switch (field.getKey()) {
                case "role", "from", "content", "value" -> { }
                case "tool_calls" -> {
                    List<Object> calls = toolCalls(field.getValue(), at);
                    if (!calls.isEmpty()) {
                        fields.put(field.getKey(), calls);
                    }
                }
                default -> {
                    if (!field.getValue().isNull()) {
                        fields.put(field.getKey(), plain(field.getValue()));
                    }
                }
            }
        }
        return fields;
    }

    /** Calls and their arguments come as they are or as JSON in a string; templates that print them as JSON want no string. */
    private static List<Object> toolCalls(JsonNode given, int turn) throws UnusableConversationException {
        JsonNode calls = parsed(given).deepCopy();
        if (calls.isNull() || calls.isTextual() && calls.textValue().isBlank()) {
            return List.of();
        }
        if (!calls.isArray()) {
            throw new UnusableConversationException("turn " + (turn + 1) + " has tool calls that are no list");
        }
        for (JsonNode call : calls) {
            if (call.path("function") instanceof ObjectNode function && parsed(function.path("arguments")).isObject()) {
                // Some data sets hold plain text there; the template gets it as it is.
                function.set("arguments", parsed(function.path("arguments")));
            }
        }
        return plainList(calls);
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
