package dev.aerie.quickstart;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Writes conversations of a small English: word problems, facts and questions about them, stories, guides, lists, letters.
 *
 * <p>First prompts are split for good by their own hash: one in sixteen belongs to {@link Part#HELD_OUT} and is never
 * written for {@link Part#TRAINING}, whatever the seed. So neither the target nor a draft has seen a held-out prompt.
 */
public final class ConversationWriter {

    /** Which prompts to write. */
    public enum Part { TRAINING, HELD_OUT }

    private static final ObjectMapper JSON = new ObjectMapper();

    private final List<Topic> topics = Topic.all();
    private final Draw draw;
    private final Part part;
    private final Set<String> prompts = new HashSet<>();

    public ConversationWriter(long seed, Part part) {
        this.draw = new Draw(seed);
        this.part = part;
    }

    /** The next conversation: turns of user and assistant in alternation. Its first prompt is new to this writer. */
    public List<String> next() {
        while (true) {
            List<String> turns = draw.one(topics).turns(draw);
            String prompt = turns.get(0);
            if (partOf(prompt) == part && prompts.add(prompt)) {
                return turns;
            }
        }
    }

    static Part partOf(String prompt) {
        // String.hashCode is specified, but its low bits are poor: multiply and take the high ones (Knuth's constant).
        return (prompt.hashCode() * 0x9E3779B1) >>> 28 == 0 ? Part.HELD_OUT : Part.TRAINING;
    }

    /** Writes conversations as ShareGPT: a JSON array of {@code {id, conversations: [{from, value}]}}. */
    void shareGpt(Path file, int count) throws IOException {
        ArrayNode all = JSON.createArrayNode();
        for (int i = 0; i < count; i++) {
            ObjectNode record = all.addObject().put("id", "quickstart-" + i);
            ArrayNode conversation = record.putArray("conversations");
            String from = "human";
            for (String turn : next()) {
                conversation.addObject().put("from", from).put("value", turn);
                from = from.equals("human") ? "gpt" : "human";
            }
        }
        Files.writeString(file, JSON.writerWithDefaultPrettyPrinter().writeValueAsString(all) + "\n");
    }

    /** Writes first prompts alone, one {@code {"prompt": ...}} a line. */
    void prompts(Path file, int count) throws IOException {
        try (Writer out = Files.newBufferedWriter(file, StandardCharsets.UTF_8)) {
            for (int i = 0; i < count; i++) {
                out.write(JSON.writeValueAsString(JSON.createObjectNode().put("prompt", next().get(0))) + "\n");
            }
        }
    }

    /** All the text of some conversations, for the tokenizer. */
    List<String> texts(int count) {
        List<String> texts = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            texts.addAll(next());
        }
        return texts;
    }
}
