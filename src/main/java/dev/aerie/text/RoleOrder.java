package dev.aerie.text;

import java.util.List;

/** In which order the turns of a conversation may follow each other. */
public final class RoleOrder {

    private RoleOrder() {}

    /**
     * Refuses turns that no serving engine would have seen in this order.
     *
     * <p>One system turn may open; then user turns and assistant turns alternate, from a user turn on. Tool turns follow an
     * assistant or another tool turn, and an assistant turn may follow them. At least one turn is the assistant's.
     */
    public static void check(List<Message> messages) throws UnusableConversationException {
        String before = null;
        boolean answered = false;
        for (int i = 0; i < messages.size(); i++) {
            String role = messages.get(i).role();
            if (!mayFollow(before, role)) {
                throw new UnusableConversationException("wrong role order: turn " + (i + 1) + " is " + role
                        + (before == null ? " and the first" : " after " + before));
            }
            answered |= role.equals("assistant");
            before = role;
        }
        if (!answered) {
            throw new UnusableConversationException("no assistant turn");
        }
    }

    private static boolean mayFollow(String before, String role) {
        boolean opening = before == null || before.equals("system");
        return switch (role) {
            case "system" -> before == null;
            case "user" -> opening || before.equals("assistant");
            case "assistant" -> !opening && !before.equals("assistant");
            case "tool" -> !opening && !before.equals("user");
            default -> false;
        };
    }
}
