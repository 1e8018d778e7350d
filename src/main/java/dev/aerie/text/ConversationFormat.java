package dev.aerie.text;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.aerie.errors.Choice;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/** The formats of conversations in records of input files. */
public enum ConversationFormat implements RecordFormat, Choice {

    /** The format that the record's keys indicate. */
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

    /** Keys under which a record may have its id, the first wins. */
    public static final List<String> ID_KEYS = List.of("id", "prompt_id", "conversation_id");

    private static final ObjectMapper JSON = RecordJson.mapper();

    /** Of chat completions, and of OpenAI's responses. */
    private static final Set<String> TEXT_PARTS = Set.of("text", "input_text", "output_text");

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

    /** The id a record gives itself, or null. */
    static String id(JsonNode record) {
        for (String name : ID_KEYS) {
            JsonNode id = record.path(name);
            if (id.isTextual() && !id.textValue().isBlank() || id.isIntegralNumber()) {
                return id.asText();
            }
        }
        return null;
    }

    /** Returns the keys under which this format has its turns or its text. */
    public List<String> keys() {
        return switch (this) {
            case AUTO -> List.of("conversations", "messages", "data", "text");
            case ULTRACHAT -> List.of("messages", "data");
            default -> List.of(key);
        };
    }

    /**
     * Returns the key under which this format reads turns that stand by themselves.
     *
     * @param said a list of turns, or text that is rendered already
     */
    public String keyOf(JsonNode said) {
        JsonNode first = parsed(said.path(0));
        boolean alternating = first.isTextual();
        return switch (this) {
            case AUTO -> !said.isArray() ? "text" : alternating ? "data" : first.has("from") ? "conversations" : "messages";
            case ULTRACHAT -> alternating ? "data" : key;
            default -> key;
        };
    }

    @Override
    public Conversation parse(JsonNode record, String id, String source) throws UnusableConversationException {
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
            return new Conversation(id, source, List.of(), text.textValue(), List.of(), Map.of(),
                    RecordFields.unread(record, key, List.of()));
        }
        boolean alternating = this == ULTRACHAT && parsed(record.path("data")).isArray();
        String from = alternating ? "data" : key;
        List<Message> messages = RecordFields.withSystem(record,
                alternating ? alternating(turns(record, from)) : messages(turns(record, from)));
        RoleOrder.check(messages);
        return conversation(record, id, source, from, messages);
    }

    private static Conversation conversation(JsonNode record, String id, String source, String from, List<Message> messages)
            throws UnusableConversationException {
        return new Conversation(id, source, messages, null, tools(record), RecordFields.templateVariables(record),
                RecordFields.unread(record, from, messages));
    }

    /**
     * Returns the turns of a record up to where the target answers: {@code messages}, {@code conversations} or a list under
     * {@code prompt} or {@code turns} that end with a user's or a tool's turn, or the text parts of one user's turn.
     *
     * @return null where the record has no such list
     */
    public static Conversation prompt(JsonNode record, String id, String source) throws UnusableConversationException {
        for (String name : List.of("messages", "conversations", "prompt", "turns")) {
            JsonNode turns = parsed(record.path(name));
            if (!turns.isArray() || !turns.path(0).isObject()) {
                continue;
            }
            if (TEXT_PARTS.contains(turns.path(0).path("type").asText(""))) {
                return prompt(record, id, source, content(turns, "user", new LinkedHashMap<>(), 0));
            }
            List<Message> messages = RecordFields.withSystem(record, messages(turns));
            RoleOrder.checkTurns(messages);
            String last = messages.get(messages.size() - 1).role();
            return last.equals("user") || last.equals("tool") ? conversation(record, id, source, name, messages) : null;
        }
        return null;
    }

    /** One user's turn, with what the record says beside it. */
    public static Conversation prompt(JsonNode record, String id, String source, String user)
            throws UnusableConversationException {
        return conversation(record, id, source, "prompt", RecordFields.withSystem(record, List.of(new Message("user", user))));
    }

    /** Returns a list, or the same as JSON in a string, as data sets of fixed columns have it. */
    private static List<Object> tools(JsonNode record) throws UnusableConversationException {
        JsonNode functions = parsed(record.path("functions"));
        if (!record.has("tools") && functions.isArray()) {
            List<Object> declared = new ArrayList<>();
            functions.forEach(function -> declared.add(Map.of("type", "function", "function", plain(function))));
            return declared;
        }
        JsonNode tools = record.path("tools");
        if (tools.isMissingNode() || tools.isNull() || tools.isTextual() && tools.textValue().isBlank()) {
            return List.of();
        }
        JsonNode list = parsed(tools);
        if (!list.isArray() && !list.isNull()) {
            throw new UnusableConversationException("\"tools\" is no list");
        }
        return plainList(list);
    }

    /** Returns what a string says in JSON; the string itself where that is none. */
    static JsonNode parsed(JsonNode node) {
        if (!node.isTextual()) {
            return node;
        }
        try {
            JsonNode parsed = JSON.readTree(node.textValue());
            return parsed.isMissingNode() ? node : RecordFields.withoutNulls(parsed);
        } catch (JsonProcessingException notJson) {
            return node;
        }
    }

    private static ConversationFormat detect(JsonNode record) throws UnusableConversationException {
        // The key counts only if it holds turns, because "data" is a common name.
        if (parsed(record.path("data")).isArray()) {
            return ULTRACHAT;
        }
        for (ConversationFormat format : List.of(SHAREGPT, MESSAGES)) {
            if (parsed(record.path(format.key)).isArray()) {
                return format;
            }
        }
        for (ConversationFormat format : List.of(PREFORMATTED, SHAREGPT, MESSAGES)) {
            if (record.has(format.key)) {
                return format;
            }
        }
        if (record.has("data")) {
            return ULTRACHAT;
        }
        throw new UnusableConversationException("none of \"conversations\", \"messages\", \"data\" and \"text\"");
    }

    private static JsonNode turns(JsonNode record, String key) throws UnusableConversationException {
        JsonNode turns = parsed(record.path(key));
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
        for (JsonNode turn : present(turns)) {
            String role = messages.size() % 2 == 0 ? "user" : "assistant";
            messages.add(new Message(role, content(turn, role, new LinkedHashMap<>(), messages.size())));
        }
        return messages;
    }

    private static List<Message> messages(JsonNode turns) throws UnusableConversationException {
        List<Message> messages = new ArrayList<>();
        for (JsonNode given : present(turns)) {
            // Text columns hold each turn as JSON.
            JsonNode turn = parsed(given);
            int at = messages.size();
            JsonNode role = turn.has("role") ? turn.get("role") : turn.path("from");
            if (!role.isTextual()) {
                throw new UnusableConversationException("turn " + (at + 1) + " has no role");
            }
            String known = ROLES.get(role.textValue().strip().toLowerCase(Locale.ROOT));
            if (known == null) {
                throw new UnusableConversationException("turn " + (at + 1) + " has the unknown role " + role.textValue());
            }
            Map<String, Object> fields = fields(turn, at);
            JsonNode content = turn.has("content") ? turn.get("content") : turn.path("value");
            messages.add(new Message(known, content.isMissingNode() ? unsaid(known, turn, fields, at)
                    : content(content, known, fields, at), fields));
        }
        return messages;
    }

    /** Returns the elements of a list that are there; null is absent in lists of turns, parts and calls as it is in fields. */
    private static List<JsonNode> present(JsonNode list) {
        List<JsonNode> present = new ArrayList<>();
        list.forEach(element -> {
            if (!element.isNull()) {
                present.add(element);
            }
        });
        return present;
    }

    /** Returns what a turn without text says: nothing but its calls, its thought, or a tool's empty result. */
    private static String unsaid(String role, JsonNode turn, Map<String, Object> fields, int at)
            throws UnusableConversationException {
        if (fields.containsKey("tool_calls")) {
            return null;
        }
        boolean said = role.equals("tool")
                || role.equals("assistant") && (turn.has("tool_calls") || Thoughts.NAMES.stream().anyMatch(fields::containsKey));
        if (!said) {
            throw new UnusableConversationException("turn " + (at + 1) + " has no text");
        }
        return "";
    }

    /** Returns a string, or a list of text parts, joined; a part that is a thought becomes the turn's. */
    private static String content(JsonNode content, String role, Map<String, Object> fields, int turn)
            throws UnusableConversationException {
        if (content.isTextual()) {
            return content.textValue();
        }
        if (role.equals("tool") && (content.isObject() || content.isNumber() || content.isBoolean())) {
            return content.toString();
        }
        if (!content.isArray()) {
            throw new UnusableConversationException("turn " + (turn + 1) + " has no text");
        }
        StringBuilder all = new StringBuilder();
        for (JsonNode part : present(content)) {
            String type = part.path("type").asText("");
            JsonNode thought = Thoughts.NAMES.contains(type) ? part.path(part.has(type) ? type : "text") : part.path("");
            if (thought.isTextual() || thought.isArray()) {
                fields.merge(type, content(thought, role, fields, turn), (a, b) -> a + "\n" + b);
                continue;
            }
            if (part.isTextual()) {
                all.append(part.textValue());
                continue;
            }
            if (TEXT_PARTS.contains(type) && !part.path("text").isTextual()) {
                throw new UnusableConversationException("turn " + (turn + 1) + " has a part of type " + type + " without text");
            }
            if (!TEXT_PARTS.contains(type)) {
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
                case "function_call" -> {
                    // OpenAI's older spelling of one call.
                    JsonNode call = parsed(field.getValue());
                    if (!call.isObject() && !call.asText("call").isBlank()) {
                        throw new UnusableConversationException("turn " + (at + 1) + " has a function call that is no object");
                    }
                    if (call.isObject() && toolCalls(turn.path("tool_calls"), at).isEmpty()) {
                        JsonNode calls = JSON.createArrayNode().add(JSON.createObjectNode()
                                .put("type", "function").set("function", call));
                        fields.put("tool_calls", toolCalls(calls, at));
                    }
                }
                default -> fields.put(field.getKey(), plain(field.getValue()));
            }
        }
        return fields;
    }

    /** Reads calls and their arguments, which are objects or JSON in a string; templates that print them as JSON need objects. */
    private static List<Object> toolCalls(JsonNode given, int turn) throws UnusableConversationException {
        JsonNode calls = parsed(given).deepCopy();
        if (calls.isNull() || calls.isMissingNode() || calls.isTextual() && calls.textValue().isBlank()) {
            return List.of();
        }
        if (!calls.isArray()) {
            throw new UnusableConversationException("turn " + (turn + 1) + " has tool calls that are no list");
        }
        ArrayNode all = JSON.createArrayNode();
        present(calls).forEach(call -> all.add(parsed(call)));
        for (JsonNode call : all) {
            // Of one form here, whichever the record has; the encoder gives the template what it renders.
            if ((call.path("function").isObject() ? call.path("function") : call) instanceof ObjectNode function) {
                JsonNode arguments = parsed(function.path("arguments"));
                if (arguments.isObject() || arguments.isArray()) {
                    // Some data sets have plain text here, which is passed to the template unchanged.
                    function.set("arguments", arguments);
                } else if (arguments.isMissingNode() || arguments.isNull() || arguments.isTextual() && arguments.textValue()
                        .isBlank()) {
                    function.set("arguments", JSON.createObjectNode());
                }
            }
        }
        return plainList(all);
    }

    static Object plain(JsonNode node) {
        return JSON.convertValue(node, Object.class);
    }

    private static List<Object> plainList(JsonNode array) {
        List<Object> out = new ArrayList<>();
        array.forEach(n -> out.add(plain(n)));
        return out;
    }
}
