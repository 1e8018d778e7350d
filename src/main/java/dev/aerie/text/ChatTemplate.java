package dev.aerie.text;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.aerie.text.jinja.Template;
import dev.aerie.text.jinja.TemplateException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;

/** A tokenizer's chat template with the special tokens that it may use. Immutable. */
public final class ChatTemplate {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final List<String> TOKEN_NAMES =
            List.of("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token");

    private final Template template;
    private final Template toolTemplate;
    private final Map<String, Object> specialTokens;
    private final String fingerprintText;

    private final String source;
    private final LocalDate date;

    private ChatTemplate(String source, String toolSource, Map<String, Object> specialTokens) {
        this.template = Template.parse(source);
        this.toolTemplate = toolSource == null ? template : Template.parse(toolSource);
        this.specialTokens = specialTokens;
        this.source = source + (toolSource == null ? "" : toolSource);
        this.date = null;
        this.fingerprintText = this.source + new TreeMap<>(specialTokens);
    }

    private ChatTemplate(ChatTemplate other, LocalDate date) {
        this.template = other.template;
        this.toolTemplate = other.toolTemplate;
        this.specialTokens = other.specialTokens;
        this.source = other.source;
        this.date = date;
        this.fingerprintText = other.fingerprintText + (readsDate() ? "\n" + date : "");
    }

    /**
     * Returns the same template on a day: {@code strftime_now} then returns midnight of that day, whatever the clock and the time
     * zone.
     */
    ChatTemplate at(LocalDate day) {
        return day == null ? this : new ChatTemplate(this, day);
    }

    /** Returns whether what it writes depends on the date. */
    boolean readsDate() {
        return mentions("strftime_now");
    }

    /** Returns whether the name stands in the template's source, as a word. */
    boolean mentions(String name) {
        return Pattern.compile("(?<!\\w)" + Pattern.quote(name) + "(?!\\w)").matcher(source).find();
    }

    /** @param specialTokens such as {@code bos_token}, by name */
    public static ChatTemplate of(String source, Map<String, Object> specialTokens) {
        return new ChatTemplate(source, null, Map.copyOf(specialTokens));
    }

    /**
     * Reads chat_template.jinja or, where there is none, the entry of tokenizer_config.json: one template, or a list of named
     * ones, of which {@code default} is used, and {@code tool_use} where a conversation has tools. Next to chat_template.jinja
     * the latter is additional_chat_templates/tool_use.jinja.
     *
     * @throws InvalidTokenizerException if the folder has no template, or one that cannot be parsed
     */
    public static ChatTemplate fromFolder(Path folder) {
        return fromFolder(folder, null);
    }

    /**
     * @param source a template to use in place of the folder's, or null
     * @throws InvalidTokenizerException if there is no template, or one that cannot be parsed
     */
    static ChatTemplate fromFolder(Path folder, String source) {
        try {
            JsonNode config = json(folder.resolve("tokenizer_config.json"));
            Map<String, Object> tokens = specialTokens(config, json(folder.resolve("special_tokens_map.json")));
            Path own = folder.resolve("chat_template.jinja");
            if (source != null || Files.isRegularFile(own)) {
                Path tools = folder.resolve("additional_chat_templates/tool_use.jinja");
                return new ChatTemplate(source != null ? source : Files.readString(own),
                        source == null && Files.isRegularFile(tools) ? Files.readString(tools) : null, tokens);
            }
            JsonNode entry = config.path("chat_template");
            if (entry.isTextual()) {
                return new ChatTemplate(entry.asText(), null, tokens);
            }
            Map<String, String> named = new HashMap<>();
            entry.forEach(one -> named.put(one.path("name").asText(), one.path("template").asText()));
            if (!named.containsKey("default")) {
                throw new InvalidTokenizerException("Invalid tokenizer: " + folder + " has no chat template "
                        + "(expected chat_template.jinja, or chat_template in tokenizer_config.json; a base model has none)");
            }
            return new ChatTemplate(named.get("default"), named.get("tool_use"), tokens);
        } catch (IOException e) {
            throw new InvalidTokenizerException(
                    "Invalid tokenizer: the chat template of " + folder + " cannot be read (" + reason(e) + ")", e);
        } catch (TemplateException e) {
            throw new InvalidTokenizerException(
                    "Invalid chat template: " + (source != null ? "data.template" : folder) + ": " + e.getMessage(), e);
        }
    }

    private static String reason(IOException e) {
        return e instanceof JsonProcessingException json ? json.getOriginalMessage().lines().findFirst().orElse("")
                : e instanceof NoSuchFileException missing ? "there is no " + missing.getFile() : String.valueOf(e.getMessage());
    }

    private static JsonNode json(Path file) throws IOException {
        return Files.isRegularFile(file) ? JSON.readTree(Files.readAllBytes(file))
                : JSON.createObjectNode();
    }

    /**
     * Reads the special tokens: transformers 5 writes all into tokenizer_config.json, older versions some into
     * special_tokens_map.json.
     */
    private static Map<String, Object> specialTokens(JsonNode config, JsonNode olderMap) {
        Map<String, Object> tokens = new HashMap<>();
        for (String name : TOKEN_NAMES) {
            JsonNode token = config.hasNonNull(name) ? config.get(name) : olderMap.path(name);
            if (token.isTextual() || token.path("content").isTextual()) {
                tokens.put(name, token.isTextual() ? token.asText() : token.get("content").asText());
            }
        }
        List<Object> additional = new ArrayList<>();
        for (JsonNode token : config.path("additional_special_tokens")) {
            additional.add(token.isTextual() ? token.asText() : token.path("content").asText());
        }
        if (!additional.isEmpty()) {
            tokens.put("additional_special_tokens", additional);
        }
        return tokens;
    }

    /**
     * @param addGenerationPrompt whether the text ends with the header of an assistant's turn
     * @param tools declarations of the tools that the assistant may call, or null
     * @param variables           further variables of the template, such as {@code enable_thinking}
     * @throws TemplateException if the template cannot render the messages, or refuses them
     */
    public String render(List<Message> messages, boolean addGenerationPrompt, List<Object> tools, Map<String, ?> variables) {
        Map<String, Object> all = new HashMap<>(specialTokens);
        all.put("messages", messages.stream().map(Message::toMap).toList());
        all.put("tools", tools);
        all.put("documents", null);
        all.put("add_generation_prompt", addGenerationPrompt);
        all.putAll(variables);
        return (tools == null ? template : toolTemplate).render(all, date == null ? LocalDateTime.now() : date.atStartOfDay());
    }

    public String render(List<Message> messages, boolean addGenerationPrompt) {
        return render(messages, addGenerationPrompt, null, Map.of());
    }

    /** Returns all that decides how conversations are rendered: what a store made with this template must share. */
    public String fingerprintText() {
        return fingerprintText;
    }
}
