package dev.aerie.text;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The action of the encoder on turns in an order that {@link RoleOrder} refuses. */
public enum OrderFault {
    /** The conversation is refused. */
    REFUSE,
    /**
     * As SpecForge does: turns before the first user's are dropped, and so is all from the first assistant's or tool's turn out
     * of order on. A system turn may come late. Of a turn the template sees role, content and tool calls only.
     */
    TRUNCATE;

    /** Returns the system turn that opens, if one does, and what follows from the first user's turn up to the first fault. */
    static List<Message> truncated(List<Message> messages) {
        List<Message> kept = new ArrayList<>();
        int next = 0;
        if (!messages.isEmpty() && messages.get(0).role().equals("system")) {
            kept.add(new Message("system", text(messages.get(next++))));
        }
        while (next < messages.size() && !messages.get(next).role().equals("user")) {
            next++;
        }
        String before = null;
        for (; next < messages.size() && follows(before, messages.get(next).role()); next++) {
            before = messages.get(next).role();
            kept.add(plain(messages.get(next)));
        }
        return kept;
    }

    private static Message plain(Message message) {
        Object calls = message.fields().get("tool_calls");
        return new Message(message.role(), text(message), calls == null ? Map.of() : Map.of("tool_calls", calls));
    }

    private static String text(Message message) {
        return message.content() == null ? "" : message.content();
    }

    private static boolean follows(String before, String role) {
        return switch (role) {
            case "assistant" -> "user".equals(before) || "tool".equals(before);
            case "tool" -> "assistant".equals(before) || "tool".equals(before);
            default -> true;
        };
    }
}
