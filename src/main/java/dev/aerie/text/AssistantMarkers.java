package dev.aerie.text;

import dev.aerie.errors.RefusalException;
import dev.aerie.text.jinja.TemplateException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The text that opens an assistant's turn and the texts that may end it, as a template writes them.
 *
 * @param header     such as {@code <|im_start|>assistant\n}
 * @param endsOfTurn such as {@code <|im_end|>\n}; more than one where the last turn of a conversation ends differently
 * @param borders texts that also end a turn without belonging to it: the header of the next turn, in templates that do not close
 *     turns; usually empty
 * @param toolsApart whether results of tools lie outside the assistant's text; if not, conversations with tools cannot be masked
 */
public record AssistantMarkers(String header, List<String> endsOfTurn, List<String> borders, boolean toolsApart) {

    private static final String USER_1 = "Uq7first";
    private static final String USER_2 = "Uq7second";
    private static final String ASSISTANT_1 = "Aq7first";
    private static final String ASSISTANT_2 = "Aq7second";
    private static final String REASON = "Rq7reason";
    private static final String TOOL = "Tq7result";

    public AssistantMarkers {
        endsOfTurn = List.copyOf(endsOfTurn);
        borders = List.copyOf(borders);
        if (header.isBlank() || endsOfTurn.isEmpty() && borders.isEmpty()
                || Stream.concat(endsOfTurn.stream(), borders.stream()).anyMatch(String::isEmpty)) {
            throw new RefusalException("Invalid assistant markers: header " + shown(header) + ", ends of turn "
                    + endsOfTurn + " (expected a header and ends of turn that are not empty)");
        }
    }

    public AssistantMarkers(String header, List<String> endsOfTurn) {
        this(header, endsOfTurn, List.of(), true);
    }

    /**
     * Finds the markers in a rendered probe of two turns. Only text that both turns have counts, because templates treat the last
     * turn differently: Qwen3 puts an empty thought before it, gpt-oss ends it with another token, GLM does not end it.
     *
     * @param addedTokens tokens that the tokenizer matches literally in the text; an end of turn is one of them if one fits
     * @throws InvalidTokenizerException if the template has no markers; the recipe can then name them
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
        String header = before.substring(wholeTokens(before, userEnd.length(), addedTokens)).stripLeading();
        String middle = text.substring(at[1] + ASSISTANT_1.length(), at[2]);
        String last = text.substring(at[3] + ASSISTANT_2.length());
        String userHeader = leadingToken(middle, addedTokens);
        boolean closedByUser = userHeader != null && text.substring(0, at[0]).stripTrailing().endsWith(userHeader.strip());
        List<String> ends = closedByUser ? Stream.ofNullable(leadingToken(last, addedTokens)).toList()
                : ends(middle, last, addedTokens);
        List<String> borders = closedByUser ? List.of(userHeader.strip()) : List.of();
        // Llama-2 has no text between the user's end of turn and the answer, so that end of turn is the header.
        header = header.isEmpty() ? withoutEnd(before, ends) : header;
        if (header.isBlank() || ends.stream().anyMatch(String::isBlank) || ends.isEmpty() && borders.isEmpty()) {
            throw unfound("it puts nothing before or after the assistant's text", text);
        }
        return new AssistantMarkers(header, ends, borders, true)
                .reaching(template, both, addedTokens)
                .sparing(template, addedTokens);
    }

    /** Returns the length up to which the text may be cut without cutting an added token in two; at most {@code length}. */
    private static int wholeTokens(String text, int length, List<String> addedTokens) {
        int whole = length;
        for (String token : addedTokens) {
            for (int i = Math.max(0, length - token.length() + 1); i < length && !token.isBlank(); i++) {
                if (text.startsWith(token, i)) {
                    whole = Math.min(whole, i);
                }
            }
        }
        return whole;
    }

    /** Where even a prompt without an answer ends with the header, what is left of it has the user's end of turn in front. */
    private static String withoutEnd(String before, List<String> ends) {
        String stripped = before.stripLeading();
        for (String end : ends) {
            if (stripped.startsWith(end.strip()) && !stripped.substring(end.strip().length()).isBlank()) {
                return stripped.substring(end.strip().length()).stripLeading();
            }
        }
        return stripped;
    }

    /**
     * Returns these markers with a header that turns with a thought have too. Templates of reasoning targets put an empty thought
     * before an answer without one (GLM, Kimi-K2-Thinking, Nemotron); as a part of the header it would hide all answers with a
     * thought. The thought is then supervised from the end of the generation prompt on, which is where the target's own text
     * begins.
     */
    private AssistantMarkers reaching(ChatTemplate template, List<Message> both, List<String> addedTokens) {
        List<Message> thoughtful = new ArrayList<>(both);
        thoughtful.set(3, new Message("assistant", ASSISTANT_2, Map.of("reasoning_content", REASON)));
        try {
            String text = template.render(thoughtful, false);
            int user = text.indexOf(USER_2);
            int reason = text.indexOf(REASON);
            if (user < 0 || reason < user || covers(text, ASSISTANT_2)) {
                return this;
            }
            String shared = between(text.substring(user + USER_2.length(), reason));
            String prompt = template.render(List.of(both.get(0)), true);
            String generated = between(prompt.substring(prompt.lastIndexOf(USER_1) + USER_1.length()));
            shared = generated.isBlank() ? shared : commonPrefix(shared, generated);
            shared = shared.substring(0, wholeTokens(header, shared.length(), addedTokens));
            return shared.isBlank() ? this : new AssistantMarkers(shared, endsOfTurn, borders, true);
        } catch (TemplateException e) {
            return this;
        }
    }

    /** Returns what the header shares with a text that has a header in it. */
    private String between(String text) {
        String best = "";
        for (int i = 0; i < text.length(); i++) {
            String shared = commonPrefix(header, text.substring(i));
            best = shared.length() > best.length() ? shared : best;
        }
        return best;
    }

    /** Returns these markers with another border or end if a tool's result would otherwise count as the assistant's text. */
    AssistantMarkers sparing(ChatTemplate template, List<String> addedTokens) {
        Map<String, Object> call = Map.of("id", "q7q7q7q7q", "type", "function",
                "function", Map.of("name", "q7", "arguments", Map.of("q7", "q7")));
        List<Message> calling = List.of(
                new Message("user", USER_1), new Message("assistant", "", Map.of("tool_calls", List.of(call))));
        List<Message> answered = new ArrayList<>(calling);
        answered.add(new Message("tool", TOOL, Map.of("name", "q7", "tool_call_id", "q7q7q7q7q")));
        try {
            String text = template.render(answered, false);
            String called = template.render(calling, false);
            if (!covers(text, TOOL)) {
                return this;
            }
            String rest = text.substring(wholeTokens(text, commonPrefix(text, called).length(), addedTokens));
            Stream<AssistantMarkers> shorter = Stream.concat(
                    Stream.ofNullable(leadingToken(rest, addedTokens)).map(String::strip)
                            .map(opening -> new AssistantMarkers(header, endsOfTurn, with(borders, opening), true)),
                    addedTokens.stream().filter(token -> !token.isBlank() && called.stripTrailing().endsWith(token))
                            .map(closing -> new AssistantMarkers(header, with(endsOfTurn, closing), borders, true)));
            return shorter.filter(markers -> !markers.covers(text, TOOL)).findFirst()
                    .orElse(new AssistantMarkers(header, endsOfTurn, borders, false));
        } catch (TemplateException e) {
            // The template takes no tools, so no conversation with tools reaches the mask.
            return this;
        }
    }

    private static List<String> with(List<String> texts, String another) {
        return Stream.concat(texts.stream(), Stream.of(another)).toList();
    }

    private boolean covers(String text, String probe) {
        int at = text.indexOf(probe);
        return at >= 0 && spans(text).stream().anyMatch(span -> span.start() <= at && at < span.end());
    }

    /** Returns the first end of turn, or border, that stands in a text, without the white space around it; null for none. */
    String quotedEnd(String text) {
        return Stream.concat(endsOfTurn.stream(), borders.stream())
                .map(end -> end.isBlank() ? end : end.strip())
                .filter(text::contains).findFirst().orElse(null);
    }

    private static InvalidTokenizerException unfound(String why, String text) {
        return new InvalidTokenizerException("Invalid chat template: no assistant header and end of turn found, because " + why
                + " (expected such markers, or data.assistant_header and data.end_of_turn in the recipe). A rendered probe: "
                + shown(text));
    }

    private static List<String> ends(String middle, String last, List<String> addedTokens) {
        String ofMiddle = leadingToken(middle, addedTokens);
        String ofLast = leadingToken(last, addedTokens);
        if (ofMiddle != null && last.isBlank()) {
            return List.of(ofMiddle);
        }
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
        String begins = otherHeader == null ? header : otherHeader;
        return otherEndOfTurn == null ? new AssistantMarkers(begins, endsOfTurn, borders, toolsApart)
                : new AssistantMarkers(begins, List.of(otherEndOfTurn));
    }

    /** The assistant's text with its end of turn, wherever a header stands; an end that was cut off counts at the text's end. */
    public List<Span> spans(String text) {
        String end = Stream.concat(endsOfTurn.stream().map(Pattern::quote),
                borders.stream().map(border -> "(?=" + Pattern.quote(border) + ")")).collect(Collectors.joining("|"));
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
