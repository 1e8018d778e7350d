package dev.aerie.text;

import java.util.List;

/** The permitted orders of turns in a conversation. */
public final class RoleOrder {

    private RoleOrder() {}

    /**
     * Refuses turns that no serving engine would have seen in this order.
     *
     * <p>A user's turn comes first, but for system turns, which may stand anywhere. Agents see more than an alternation: an
     * assistant may speak again after itself, and a user may break in after a tool's result. Tool turns follow an assistant's or
     * another tool's. The target's own template may refuse more. At least one turn is the assistant's.
     */
    public static void check(List<Message> messages) throws UnusableConversationException {
        checkTurns(messages);
        if (messages.stream().noneMatch(message -> message.role().equals("assistant"))) {
            throw new UnusableConversationException("no assistant turn");
        }
    }

    /** The same of turns that end where the assistant's would begin. */
    static void checkTurns(List<Message> messages) throws UnusableConversationException {
        String before = null;
        for (int i = 0; i < messages.size(); i++) {
            String role = messages.get(i).role();
            if (!mayFollow(before, role)) {
                throw new UnusableConversationException("wrong role order: turn " + (i + 1) + " is " + role
                        + (before == null ? " and the first" : " after " + before));
            }
            before = role.equals("system") && before != null ? before : role;
        }
    }

    private static boolean mayFollow(String before, String role) {
        boolean opening = before == null || before.equals("system");
        return switch (role) {
            case "system" -> true;
            case "user" -> !"user".equals(before);
            case "assistant" -> !opening;
            case "tool" -> !opening && !before.equals("user");
            default -> false;
        };
    }
}
