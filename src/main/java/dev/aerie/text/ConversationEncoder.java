package dev.aerie.text;

import dev.aerie.errors.RefusalException;
import dev.aerie.text.jinja.TemplateException;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Renders conversations with the target's chat template, tokenises the whole text and marks the supervised tokens: those whose
 * first character lies in the assistant's text or its end of turn. Thread-safe.
 *
 * <p>A token that begins in the header and reaches into the assistant's text is not supervised: a serving engine tokenises the
 * header separately, so the target never generates such a token.
 */
public final class ConversationEncoder implements AutoCloseable {

    /** Limit, because the tokenizer takes minutes for a word of millions of letters, such as a file in base64. */
    private static final int TOKENISED_CHARACTERS = 4 << 20;

    /** More than the average of any language. */
    private static final int CHARACTERS_PER_TOKEN = 64;

    /** Fields of a turn for tool calls and bookkeeping, which no template reads. */
    private static final Set<String> WITHOUT_EFFECT =
            Set.of("name", "tool_call_id", "id", "timestamp", "created_at", "model", "type", "status");

    /** Variables of the template that the encoder itself sets. */
    private static final Set<String> OWN_VARIABLES = Set.of("messages", "tools", "add_generation_prompt");

    private final EncoderSettings settings;
    private final Tokenizer tokenizer;
    private final ChatTemplate template;
    private final AssistantMarkers markers;
    private final Thoughts thoughts;
    private final ToolArguments toolArguments;

    /** @throws InvalidTokenizerException if the folder's tokenizer or template cannot be used */
    public ConversationEncoder(EncoderSettings settings) {
        Path folder = Path.of(settings.modelFolder());
        this.settings = settings;
        this.template = ChatTemplate.fromFolder(folder, settings.rendering().template()).at(settings.rendering().date());
        this.thoughts = Thoughts.probe(template);
        this.toolArguments = ToolArguments.probe(template);
        this.tokenizer = Tokenizer.fromFolder(folder);
        this.markers = foundMarkers();
    }

    private AssistantMarkers foundMarkers() {
        if (settings.supervision().assistantHeader() != null && settings.supervision().endOfTurn() != null) {
            return new AssistantMarkers(settings.supervision().assistantHeader(), List.of(settings.supervision().endOfTurn()));
        }
        try {
            AssistantMarkers found = AssistantMarkers.find(template, tokenizer.addedTokens())
                    .with(settings.supervision().assistantHeader(), settings.supervision().endOfTurn());
            return settings.supervision().endOfTurn() == null ? found.sparing(template, tokenizer.addedTokens()) : found;
        } catch (RuntimeException e) {
            tokenizer.close();
            throw e;
        }
    }

    /**
     * @throws UnusableConversationException if its turns are out of order, the template refuses it, it is too long where such are
     *     refused, or none of its tokens is supervised
     */
    public TokenSequence encode(Conversation conversation) throws UnusableConversationException {
        TokenSequence tokenized = cut(checked(conversation));
        int run = settings.supervision().lossRun();
        if (run > 1 && !tokenized.hasSupervisedRun(run)) {
            throw new UnusableConversationException("no loss row: nowhere are " + run + " neighbouring tokens "
                    + "supervised, which training in strict mode learns from");
        }
        return tokenized;
    }

    /** Returns the conversation with its mask, uncut, if all checks but those of its length hold. */
    private MaskedText checked(Conversation conversation) throws UnusableConversationException {
        if (conversation.text() == null && settings.orderFault() == OrderFault.REFUSE) {
            RoleOrder.check(conversation.messages());
            if (!TurnWeights.of(conversation.messages()).contains(true)) {
                throw new UnusableConversationException("no supervised token: all of the assistant's turns have weight 0");
            }
            requireNoHeader(conversation.messages());
            requireNoHeaderBeside(conversation);
            requireNoEnd(conversation.messages());
        }
        if (!markers.toolsApart() && conversation.messages().stream().anyMatch(turn -> turn.role().equals("tool"))) {
            throw new UnusableConversationException("the chat template writes results of tools inside the assistant's text, "
                    + "where "
                    + "the loss mask cannot tell them apart (expected none, or data.end_of_turn in the recipe)");
        }
        try {
            return masked(conversation);
        } catch (TemplateException e) {
            throw new UnusableConversationException("the chat template refuses it: " + e.getMessage());
        }
    }

    private TokenSequence cut(MaskedText masked) throws UnusableConversationException {
        int length = masked.tokens().length();
        if (length > settings.length().max() && settings.length().over() == OverLength.QUARANTINE) {
            throw new UnusableConversationException(
                    "over length: " + length + " tokens (expected at most " + settings.length().max() + ")");
        }
        int kept = Math.min(length, settings.length().max());
        TokenSequence tokenized = new TokenSequence(
                Arrays.copyOf(masked.tokens().inputIds(), kept), Arrays.copyOf(masked.lossMask(), kept));
        if (tokenized.supervisedCount() == 0) {
            throw new UnusableConversationException(kept < length
                    ? "no supervised token among the first " + kept + ", where it is cut"
                    : "no supervised token: the assistant header is not in the rendered text");
        }
        return tokenized;
    }

    /**
     * Returns the conversation as rendered, uncut, with its mask.
     *
     * @throws TemplateException             if the template refuses it
     * @throws UnusableConversationException if no tokenizer can take its text
     */
    public MaskedText masked(Conversation conversation) throws UnusableConversationException {
        List<Boolean> weights = settings.orderFault() == OrderFault.REFUSE ? TurnWeights.of(conversation.messages()) : List.of();
        String text = rendered(conversation);
        long most = Math.max(TOKENISED_CHARACTERS, (long) CHARACTERS_PER_TOKEN * settings.length().max());
        if (text.length() > most) {
            throw new UnusableConversationException("over length: " + text.length() + " characters (expected at most " + most
                    + ", which is what is tokenised of one conversation)");
        }
        return mask(text, weights);
    }

    /** Names of the record's fields, and of its turns' as {@code messages[].name}, that have no effect on what is encoded. */
    public List<String> unreadFields(Conversation conversation) {
        Set<String> unread = new TreeSet<>(conversation.unreadFields());
        for (Message message : conversation.messages()) {
            thoughts.unread(message).forEach(name -> unread.add("messages[]." + name));
            message.fields().forEach((name, value) -> {
                boolean known = Thoughts.NAMES.contains(name) || WITHOUT_EFFECT.contains(name)
                        || TurnWeights.NAMES.contains(name);
                boolean empty = value instanceof String text && text.isBlank() || value instanceof Collection<?> list
                        && list.isEmpty();
                if (!known && !empty && !template.mentions(name)) {
                    unread.add("messages[]." + name);
                }
            });
        }
        conversation.templateVariables().keySet().stream()
                .filter(name -> OWN_VARIABLES.contains(name) || !template.mentions(name))
                .forEach(name -> unread.add(name.equals("documents") ? name : "chat_template_kwargs." + name));
        if (!conversation.tools().isEmpty() && !template.mentions("tools")) {
            unread.add("tools");
        }
        return List.copyOf(unread);
    }

    /**
     * The rendered conversation with its supervised text in brackets, after the reason why {@link #encode} refuses it, if it
     * does, and before the names of the fields that nothing reads.
     */
    public String preview(Conversation conversation) {
        StringBuilder shown = new StringBuilder();
        try {
            shown.append(new MaskPreview(false).of(masked(conversation)));
            encode(conversation);
        } catch (TemplateException e) {
            shown.append(conversation.id()).append(" cannot be rendered: ").append(e.getMessage());
        } catch (UnusableConversationException e) {
            shown.insert(0, "quarantined: " + e.getMessage() + System.lineSeparator());
        }
        List<String> unread = unreadFields(conversation);
        if (!unread.isEmpty()) {
            shown.append(System.lineSeparator()).append("read by nothing: ").append(String.join(", ", unread));
        }
        return shown.toString();
    }

    /**
     * Returns the tokens that the target answers: the turns, rendered up to and with the header of the assistant's next one.
     *
     * @throws RefusalException if the template refuses them
     */
    public int[] encodePrompt(Conversation prompt) {
        try {
            return tokenizer.encode(rendered(prompt, true)).inputIds();
        } catch (TemplateException e) {
            throw new RefusalException("Invalid prompt: the chat template refuses it: " + e.getMessage(), e);
        }
    }

    private String rendered(Conversation conversation) throws UnusableConversationException {
        String text = conversation.text();
        if (text == null) {
            text = rendered(conversation, false);
        }
        requireWellFormed(text);
        return text;
    }

    private String rendered(Conversation conversation, boolean addGenerationPrompt) {
        List<Object> tools = conversation.tools().isEmpty() ? null : conversation.tools();
        Map<String, Object> variables = new HashMap<>(settings.rendering().variables());
        variables.putAll(conversation.templateVariables());
        // A record must not replace the variables that the encoder sets.
        variables.keySet().removeAll(OWN_VARIABLES);
        List<Message> messages = prompted(conversation.messages()).stream()
                .map(thoughts::adapted).map(toolArguments::adapted).toList();
        try {
            return template.render(messages, addGenerationPrompt, tools, variables);
        } catch (TemplateException e) {
            if (messages.stream().allMatch(message -> message.content() != null)) {
                throw e;
            }
            // Some templates concatenate the text of a turn that has only tool calls; like serving engines, pass an empty text.
            return template.render(messages.stream().map(ConversationEncoder::withText).toList(),
                    addGenerationPrompt, tools, variables);
        }
    }

    private static Message withText(Message message) {
        return message.content() == null ? new Message(message.role(), "", message.fields()) : message;
    }

    private List<Message> prompted(List<Message> messages) {
        List<Message> ordered = settings.orderFault() == OrderFault.TRUNCATE ? OrderFault.truncated(messages) : messages;
        if (settings.rendering().systemPrompt() == null || ordered.isEmpty() || ordered.get(0).role().equals("system")) {
            return ordered;
        }
        List<Message> prompted = new ArrayList<>();
        prompted.add(new Message("system", settings.rendering().systemPrompt()));
        prompted.addAll(ordered);
        return prompted;
    }

    /**
     * Refuses turns that quote the assistant header: the text after it would count as the assistant's, as it does in SpecForge.
     */
    private void requireNoHeader(List<Message> messages) throws UnusableConversationException {
        for (int i = 0; i < messages.size(); i++) {
            Message turn = messages.get(i);
            if (!turn.role().equals("assistant") && turn.content() != null && turn.content().contains(markers.header())) {
                throw new UnusableConversationException("turn " + (i + 1) + " has the assistant header in its text");
            }
        }
    }

    /** The same of what the template writes from elsewhere: declarations of tools, variables, other fields of a turn. */
    private void requireNoHeaderBeside(Conversation conversation) throws UnusableConversationException {
        if (template.mentions("tools") && conversation.tools().toString().contains(markers.header())) {
            throw new UnusableConversationException("the tools have the assistant header in their text");
        }
        for (Map.Entry<String, Object> variable : conversation.templateVariables().entrySet()) {
            if (template.mentions(variable.getKey()) && String.valueOf(variable.getValue()).contains(markers.header())) {
                throw new UnusableConversationException("the template variable " + variable.getKey()
                        + " has the assistant header in its text");
            }
        }
        for (int i = 0; i < conversation.messages().size(); i++) {
            Message turn = conversation.messages().get(i);
            for (Map.Entry<String, Object> field : turn.fields().entrySet()) {
                if (!turn.role().equals("assistant") && template.mentions(field.getKey())
                        && String.valueOf(field.getValue()).contains(markers.header())) {
                    throw new UnusableConversationException("turn " + (i + 1) + " has the assistant header in its "
                            + field.getKey());
                }
            }
        }
    }

    /** Refuses answers that quote an end of turn: their text after it would not be supervised. */
    private void requireNoEnd(List<Message> messages) throws UnusableConversationException {
        for (int i = 0; i < messages.size(); i++) {
            Message turn = messages.get(i);
            if (turn.role().equals("assistant")) {
                String end = turn.content() == null ? null : markers.quotedEnd(turn.content());
                for (Object field : end == null ? turn.fields().values() : List.of()) {
                    end = end == null ? markers.quotedEnd(field.toString()) : end;
                }
                if (end != null) {
                    throw new UnusableConversationException("turn " + (i + 1) + " quotes an end of turn: \"" + end
                            + "\", where its supervised text would be cut");
                }
            }
        }
    }

    /** Refuses half a surrogate pair, which JSON can express by an escape, and which neither UTF-8 nor a tokenizer accepts. */
    private static void requireWellFormed(String text) throws UnusableConversationException {
        for (int i = 0; i < text.length(); i++) {
            if (!Character.isSurrogate(text.charAt(i))) {
                continue;
            }
            if (Character.charCount(text.codePointAt(i)) == 1) {
                throw new UnusableConversationException("invalid text: half a surrogate pair");
            }
            i++;
        }
    }

    private MaskedText mask(String text, List<Boolean> weights) throws UnusableConversationException {
        TokenizedText tokens = tokenizer.encode(text);
        List<Span> spans = markers.spans(text);
        if (settings.supervision().lastTurnOnly() && !spans.isEmpty()) {
            spans = spans.subList(spans.size() - 1, spans.size());
        } else if (weights.contains(false)) {
            spans = TurnWeights.weighed(spans, weights);
        }
        boolean[] lossMask = new boolean[tokens.length()];
        int span = 0;
        for (int i = 0; i < lossMask.length; i++) {
            int start = tokens.starts()[i];
            while (span < spans.size() && spans.get(span).end() <= start) {
                span++;
            }
            lossMask[i] = span < spans.size() && spans.get(span).start() <= start;
        }
        return new MaskedText(text, tokens, lossMask);
    }

    /** Returns the markers by which the mask is computed. */
    public AssistantMarkers markers() {
        return markers;
    }

    /** Returns the template with everything that affects rendering, for fingerprints. */
    public String templateFingerprintText() {
        return template.fingerprintText()
                + (settings.rendering().variables().isEmpty() ? "" : new TreeMap<>(settings.rendering().variables()).toString());
    }

    /** Returns the date that the template writes; empty where it writes none. */
    public Optional<LocalDate> writtenDate() {
        return Optional.ofNullable(template.readsDate() ? settings.rendering().date() : null);
    }

    public int vocabSize() {
        return tokenizer.vocabSize();
    }

    /** @throws InvalidTokenizerException unless tokenizer and target belong together; see {@link Tokenizer#requireFits} */
    public void requireFits(int embeddingRows) {
        tokenizer.requireFits(embeddingRows);
    }

    @Override
    public void close() {
        tokenizer.close();
    }
}
