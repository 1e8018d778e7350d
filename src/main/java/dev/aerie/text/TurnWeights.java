package dev.aerie.text;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Determines which of the assistant's turns are supervised: {@code weight} of OpenAI's records, {@code train} of Axolotl's. */
final class TurnWeights {

    static final List<String> NAMES = List.of("weight", "train", "training");

    private TurnWeights() {}

    /** Of each assistant's turn, in their order. */
    static List<Boolean> of(List<Message> messages) throws UnusableConversationException {
        List<Boolean> weights = new ArrayList<>();
        for (int i = 0; i < messages.size(); i++) {
            if (messages.get(i).role().equals("assistant")) {
                weights.add(learned(messages.get(i), i));
            }
        }
        return weights;
    }

    private static boolean learned(Message message, int turn) throws UnusableConversationException {
        for (String name : NAMES) {
            Object value = message.fields().get(name);
            String text = value == null ? "" : value.toString().strip().toLowerCase(Locale.ROOT);
            switch (text) {
                case "" -> { }
                case "1", "1.0", "true" -> {
                    return true;
                }
                case "0", "0.0", "false" -> {
                    return false;
                }
                default -> throw new UnusableConversationException(
                        "turn " + (turn + 1) + " has a " + name + " of " + value + " (expected 0 or 1)");
            }
        }
        return true;
    }

    /** Returns the spans of the turns that are learned from. */
    static List<Span> weighed(List<Span> spans, List<Boolean> weights) throws UnusableConversationException {
        if (spans.size() != weights.size()) {
            throw new UnusableConversationException("a turn has weight 0, and the chat template writes " + weights.size()
                    + " assistant turns as " + spans.size() + ", so that none can be told from another");
        }
        List<Span> kept = new ArrayList<>();
        for (int i = 0; i < spans.size(); i++) {
            if (weights.get(i)) {
                kept.add(spans.get(i));
            }
        }
        return kept;
    }
}
