package dev.aerie.quickstart;

import dev.aerie.quickstart.ConversationWriter.Part;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;

/** Writes the quickstart's conversations and the prompts to evaluate on, which occur in none of them. */
public final class MakeConversations {

    /** Not the target's: it has not seen these conversations either. */
    private static final long SEED = 2;

    static final int CONVERSATIONS = 3000;
    static final int PROMPTS = 100;

    private MakeConversations() {}

    public static void main(String[] arguments) throws IOException {
        if (arguments.length != 1) {
            System.err.println("Usage: MakeConversations FOLDER");
            System.exit(2);
        }
        Path folder = Files.createDirectories(Path.of(arguments[0]));
        new ConversationWriter(SEED, Part.TRAINING).shareGpt(folder.resolve("conversations.json"), CONVERSATIONS);
        new ConversationWriter(SEED, Part.HELD_OUT).prompts(folder.resolve("prompts.jsonl"), PROMPTS);
        System.out.printf(Locale.ROOT, "%,d conversations and %d prompts in %s%n", CONVERSATIONS, PROMPTS, folder);
    }
}
