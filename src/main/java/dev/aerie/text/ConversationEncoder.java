package dev.aerie.text;

import dev.aerie.errors.RefusalException;
import dev.aerie.text.jinja.TemplateException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * Renders conversations with the target's chat template, tokenises the text as a whole and marks the supervised tokens: those
 * whose first character lies in the assistant's text or its end of turn. Safe for concurrent use.
 *
 * <p>A token that begins in the header and reaches into the assistant's text is not supervised: when the target is served, the
 * header is tokenised alone, so such a token is never generated.
 */
public final class ConversationEncoder implements AutoCloseable {

    private final EncoderSettings settings;
    private final Tokenizer tokenizer;
    private final ChatTemplate template;
    private final AssistantMarkers markers;

    /** @throws InvalidTokenizerException if the folder's tokenizer or template cannot be used */
    public ConversationEncoder(EncoderSettings settings) {
        Path folder = Path.of(settings.modelFolder());
        this.settings = settings;
        Path templateFile = settings.templateFile() == null ? null : Path.of(settings.templateFile());
        this.template = ChatTemplate.fromFolder(folder, templateFile);
        this.tokenizer = Tokenizer.fromFolder(folder);
        this.markers = foundMarkers();
    }

    private AssistantMarkers foundMarkers() {
        if (settings.assistantHeader() != null && settings.endOfTurn() != null) {
            return new AssistantMarkers(settings.assistantHeader(), List.of(settings.endOfTurn()));
        }
        try {
            AssistantMarkers found = AssistantMarkers.find(template, tokenizer.addedTokens())
                    .with(settings.assistantHeader(), settings.endOfTurn());
            return settings.endOfTurn() == null ? found.sparing(template, tokenizer.addedTokens()) : found;
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
        if (conversation.text() == null && settings.orderFault() == OrderFault.REFUSE) {
            RoleOrder.check(conversation.messages());
            requireNoHeader(conversation.messages());
        }
        if (!markers.toolsApart() && conversation.messages().stream().anyMatch(turn -> turn.role().equals("tool"))) {
            throw new UnusableConversationException("the chat template writes results of tools inside the assistant's text, where "
                    + "the loss mask cannot tell them apart (expected none, or data.end_of_turn in the recipe)");
        }
        MaskedText masked;
        try {
            masked = mask(rendered(conversation));
        } catch (TemplateException e) {
            throw new UnusableConversationException("the chat template refuses it: " + e.getMessage());
        }
        int length = masked.tokens().length();
        if (length > settings.maxLength() && settings.overLength() == OverLength.QUARANTINE) {
            throw new UnusableConversationException(
                    "over length: " + length + " tokens (expected at most " + settings.maxLength() + ")");
        }
        int kept = Math.min(length, settings.maxLength());
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
     * The conversation as rendered, uncut, with its mask.
     *
     * @throws TemplateException             if the template refuses it
     * @throws UnusableConversationException if no tokenizer can take its text
     */
    public MaskedText masked(Conversation conversation) throws UnusableConversationException {
        return mask(rendered(conversation));
    }

    /** The rendered conversation with its supervised text in brackets; where it cannot be rendered, the reason. */
    public String preview(Conversation conversation) {
        try {
            return new MaskPreview(false).of(masked(conversation));
        } catch (TemplateException | UnusableConversationException e) {
            return conversation.id() + " cannot be rendered: " + e.getMessage();
        }
    }

    /**
     * The tokens that the target answers: these turns, rendered up to and with the header of the assistant's next one.
     *
     * @throws RefusalException if the template refuses them
     */
    public int[] encodePrompt(List<Message> messages) {
        try {
            return tokenizer.encode(template.render(prompted(messages), true)).inputIds();
        } catch (TemplateException e) {
            throw new RefusalException("Invalid prompt: the chat template refuses it: " + e.getMessage(), e);
        }
    }

    private String rendered(Conversation conversation) throws UnusableConversationException {
        String text = conversation.text();
        if (text == null) {
            List<Object> tools = conversation.tools().isEmpty() ? null : conversation.tools();
            text = template.render(prompted(conversation.messages()), false, tools, Map.of());
        }
        requireWellFormed(text);
        return text;
    }

    private List<Message> prompted(List<Message> messages) {
        List<Message> ordered = settings.orderFault() == OrderFault.TRUNCATE ? OrderFault.truncated(messages) : messages;
        if (settings.systemPrompt() == null || ordered.isEmpty() || ordered.get(0).role().equals("system")) {
            return ordered;
        }
        List<Message> prompted = new ArrayList<>();
        prompted.add(new Message("system", settings.systemPrompt()));
        prompted.addAll(ordered);
        return prompted;
    }

    /** What a user quotes would count as the assistant's: SpecForge supervises it. */
    private void requireNoHeader(List<Message> messages) throws UnusableConversationException {
        for (int i = 0; i < messages.size(); i++) {
            Message turn = messages.get(i);
            if (!turn.role().equals("assistant") && turn.content() != null && turn.content().contains(markers.header())) {
                throw new UnusableConversationException("turn " + (i + 1) + " has the assistant header in its text");
            }
        }
    }

    /** JSON can spell half a surrogate pair as an escape; no UTF-8 text can hold it, and no tokenizer takes it. */
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

    private MaskedText mask(String text) {
        TokenizedText tokens = tokenizer.encode(text);
        List<Span> spans = markers.spans(text);
        if (settings.lastTurnOnly() && !spans.isEmpty()) {
            spans = spans.subList(spans.size() - 1, spans.size());
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

    /** What the mask is made with. */
    public AssistantMarkers markers() {
        return markers;
    }

    /** The template as it is run, for the fingerprint of what is made with it. */
    public String templateFingerprintText() {
        return template.fingerprintText();
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
