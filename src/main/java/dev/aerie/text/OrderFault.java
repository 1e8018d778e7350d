package dev.aerie.text;

import java.util.ArrayList;
import java.util.List;

/** What the encoder does with turns in an order that {@link RoleOrder} refuses. */
public enum OrderFault {
    /** The conversation is refused. */
    REFUSE,
    /** As SpecForge does: turns before the first user's are dropped, and so is all from the first turn out of order on. */
    TRUNCATE;

    /** The system turn that opens, if one does, and what follows from the first user's turn up to the first fault. */
    static List<Message> truncated(List<Message> messages) {
        List<Message> kept = new ArrayList<>();
        int next = 0;
        if (!messages.isEmpty() && messages.get(0).role().equals("system")) {
            kept.add(messages.get(next++));
        }
        while (next < messages.size() && !messages.get(next).role().equals("user")) {
            next++;
        }
        String before = null;
        for (; next < messages.size() && follows(before, messages.get(next).role()); next++) {
            before = messages.get(next).role();
            kept.add(messages.get(next));
        }
        return kept;
    }

    private static boolean follows(String before, String role) {
        return switch (role) {
            case "user" -> true;
            case "assistant" -> "user".equals(before) || "tool".equals(before);
            case "tool" -> "assistant".equals(before) || "tool".equals(before);
            default -> false;
        };
    }
}
