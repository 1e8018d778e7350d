package dev.aerie.text;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/**
 * One turn.
 *
 * @param role {@code system}, {@code user}, {@code assistant} or {@code tool}
 * @param content text of the turn; null if it has only tool calls
 * @param fields further fields that a template may read, such as {@code tool_calls}, {@code reasoning_content} or {@code name},
 *     as plain maps, lists, strings, numbers and booleans
 */
public record Message(String role, String content, Map<String, Object> fields) {

    public Message {
        Objects.requireNonNull(role, "role");
        fields = Collections.unmodifiableMap(new LinkedHashMap<>(fields));
    }

    public Message(String role, String content) {
        this(role, content, Map.of());
    }

    /** Returns the turn as a chat template sees it: role, content and the other fields in one map. */
    public Map<String, Object> toMap() {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("role", role);
        map.put("content", content);
        map.putAll(fields);
        return map;
    }
}
