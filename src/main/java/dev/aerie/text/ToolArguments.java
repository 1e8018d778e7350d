package dev.aerie.text;

import dev.aerie.text.jinja.Template;
import dev.aerie.text.jinja.TemplateException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The form in which a template takes the arguments of a tool call. OpenAI's records have JSON in a string; most templates print
 * or iterate an object, some put a string between other strings.
 */
enum ToolArguments {

    OBJECT,
    /** JSON in a string, as Python's {@code json.dumps} writes it. */
    STRING;

    private static final Template JSON = Template.parse("{{ value|tojson }}");
    private static final Map<String, Object> PROBE = Map.of("q7", "q7");

    /** Renders a call in both forms; an object is preferred, as engines give templates one. */
    static ToolArguments probe(ChatTemplate template) {
        String object = rendered(template, PROBE);
        String string = rendered(template, json(PROBE));
        boolean asPythonPrintsIt = object != null && object.contains("{'q7': 'q7'}");
        return string != null && string.contains(json(PROBE)) && (object == null || asPythonPrintsIt) ? STRING : OBJECT;
    }

    private static String rendered(ChatTemplate template, Object arguments) {
        Message call = new Message("assistant", "", Map.of("tool_calls", List.of(Map.of("id", "q7q7q7q7q", "type", "function",
                "function", Map.of("name", "q7", "arguments", arguments)))));
        try {
            return template.render(List.of(new Message("user", "q7"), call), false);
        } catch (TemplateException e) {
            return null;
        }
    }

    private static String json(Object value) {
        return JSON.render(Map.of("value", value));
    }

    /** Returns the turn with the arguments of its calls in this form. Text that is no JSON stays as it is. */
    Message adapted(Message message) {
        if (this == OBJECT || !(message.fields().get("tool_calls") instanceof List<?> calls)) {
            return message;
        }
        List<Object> adapted = new ArrayList<>();
        for (Object call : calls) {
            adapted.add(call instanceof Map<?, ?> map ? inString(map) : call);
        }
        Map<String, Object> fields = new LinkedHashMap<>(message.fields());
        fields.put("tool_calls", adapted);
        return new Message(message.role(), message.content(), fields);
    }

    private static Map<Object, Object> inString(Map<?, ?> call) {
        Map<Object, Object> copy = new LinkedHashMap<>(call);
        copy.computeIfPresent("function", (name, function) -> function instanceof Map<?, ?> map ? inString(map) : function);
        copy.computeIfPresent("arguments", (name, arguments) -> arguments instanceof String ? arguments : json(arguments));
        return copy;
    }
}
