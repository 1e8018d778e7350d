package dev.aerie.text;

import dev.aerie.text.jinja.TemplateException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * The text that begins an assistant's turn and the texts that may end it, as a template writes them.
 *
 * @param header     such as {@code <|im_start|>assistant\n}
 * @param endsOfTurn such as {@code <|im_end|>\n}; more than one where the last turn of a conversation ends differently
 */
public record AssistantMarkers(String header, List<String> endsOfTurn) {

    private static final String USER_1 = "Uq7first";
    private static final String USER_2 = "Uq7second";
    private static final String ASSISTANT_1 = "Aq7first";
    private static final String ASSISTANT_2 = "Aq7second";

    public AssistantMarkers {
        endsOfTurn = List.copyOf(endsOfTurn);
        if (header.isBlank() || endsOfTurn.isEmpty() || endsOfTurn.stream().anyMatch(String::isEmpty)) {
            throw new IllegalArgumentException("Invalid assistant markers: header " + shown(header) + ", ends of turn "
                    + endsOfTurn + " (expected a header and ends of turn that are not empty)");
        }
    }

    /**
     * Renders two turns of probes and reads the markers off. Only what both turns share counts, because templates treat the last
     * turn apart: Qwen3 puts an empty thought before it, gpt-oss ends it with another token.
     *
     * @param addedTokens the tokenizer's tokens that stand as they are in the text; an end of turn is one of them where one fits
     * @throws InvalidTokenizerException if the template shows no markers; the recipe can name them then
     */
    public static AssistantMarkers find(ChatTemplate template, List<String> addedTokens) {
        List<Message> one = List.of(new Message("user", USER_1));
        List<Message> both = List.of(one.get(0), new Message("assistant", ASSISTANT_1),
                new Message("user", USER_2), new Message("assistant", ASSISTANT_2));
        String text;
        String prompt;
        try {
            text = template.render(both, false);
            prompt = template.render(one, false);
        } catch (TemplateException e) {
            throw new InvalidTokenizerException(
                    "Invalid chat template: it cannot render a conversation of four turns (" + e.getMessage() + ")", e);
        }
        int[] at = {text.indexOf(USER_1), text.indexOf(ASSISTANT_1), text.indexOf(USER_2), text.lastIndexOf(ASSISTANT_2)};
        if (at[0] < 0 || at[1] < at[0] || at[2] < at[1] || at[3] < at[2] || !prompt.contains(USER_1)) {
            throw unfound("it does not write all turns in their order", text);
        }
        String before = commonPrefix(
                text.substring(at[0] + USER_1.length(), at[1]), text.substring(at[2] + USER_2.length(), at[3]));
        String userEnd = commonPrefix(before, prompt.substring(prompt.indexOf(USER_1) + USER_1.length()));
        String header = before.substring(userEnd.length());
        String middle = text.substring(at[1] + ASSISTANT_1.length(), at[2]);
        String last = text.substring(at[3] + ASSISTANT_2.length());
        List<String> ends = ends(middle, last, addedTokens);
        // Llama-2 has nothing between the user's end and the answer: there the user's end is what begins it.
        header = header.isBlank() ? before : header;
        if (header.isBlank() || ends.stream().anyMatch(String::isBlank)) {
            throw unfound("it puts nothing before or after the assistant's text", text);
        }
        return new AssistantMarkers(header, ends);
    }

    private static InvalidTokenizerException unfound(String why, String text) {
        return new InvalidTokenizerException("Invalid chat template: no assistant header and end of turn found, because " + why
                + " (expected such markers, or data.assistant_header and data.end_of_turn in the recipe). A rendered probe: "
                + shown(text));
    }

    private static List<String> ends(String middle, String last, List<String> addedTokens) {
        String ofMiddle = leadingToken(middle, addedTokens);
        String ofLast = leadingToken(last, addedTokens);
        if (ofMiddle == null || ofLast == null) {
            return List.of(commonPrefix(middle, last));
        }
        if (!ofMiddle.equals(ofLast)) {
            return List.of(ofMiddle, ofLast);
        }
        String space = commonPrefix(middle.substring(ofMiddle.length()), last.substring(ofLast.length()));
        return List.of(ofMiddle + space.substring(0, leadingSpace(space)));
    }

    /** White space and then an added token, the longest that fits; null if the text begins otherwise. */
    private static String leadingToken(String text, List<String> addedTokens) {
        int space = leadingSpace(text);
        return addedTokens.stream().filter(token -> !token.isBlank() && text.startsWith(token, space))
                .max(Comparator.comparingInt(String::length)).map(token -> text.substring(0, space) + token).orElse(null);
    }

    private static int leadingSpace(String text) {
        return text.length() - text.stripLeading().length();
    }

    private static String commonPrefix(String a, String b) {
        int n = 0;
        while (n < Math.min(a.length(), b.length()) && a.charAt(n) == b.charAt(n)) {
            n++;
        }
        return a.substring(0, n);
    }

    private static String shown(String text) {
        return '"' + text.replace("\n", "\\n") + '"';
    }

    /** These markers with what a recipe says instead; null leaves a marker as it was found. */
    public AssistantMarkers with(String otherHeader, String otherEndOfTurn) {
        return new AssistantMarkers(otherHeader == null ? header : otherHeader,
                otherEndOfTurn == null ? endsOfTurn : List.of(otherEndOfTurn));
    }

    /** The assistant's text with its end of turn, wherever a header stands; an end that was cut off counts at the text's end. */
    public List<Span> spans(String text) {
        String end = endsOfTurn.stream().map(Pattern::quote).collect(Collectors.joining("|"));
        Matcher header = Pattern.compile(Pattern.quote(this.header)).matcher(text);
        Matcher endOfTurn = Pattern.compile(end).matcher(text);
        List<Span> spans = new ArrayList<>();
        int from = 0;
        while (header.find(from)) {
            from = endOfTurn.find(header.end()) ? endOfTurn.end() : text.length();
            spans.add(new Span(header.end(), from));
        }
        return spans;
    }
}
