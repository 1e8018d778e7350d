package dev.aerie.quickstart;

import dev.aerie.text.ChatTemplate;
import dev.aerie.text.Conversation;
import dev.aerie.text.ConversationEncoder;
import dev.aerie.text.EncoderSettings;
import dev.aerie.text.Message;
import dev.aerie.text.OverLength;
import dev.aerie.text.TokenSequence;
import dev.aerie.text.Tokenizer;
import dev.aerie.text.UnusableConversationException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Turns to ids and back, with the tokenizer and the template of a folder, as the pipeline itself does it. */
final class Chats implements AutoCloseable {

    private final ConversationEncoder encoder;
    private final ChatTemplate template;
    private final Tokenizer tokenizer;

    Chats(Path folder) {
        encoder = new ConversationEncoder(EncoderSettings.of(folder.toString(), LlamaShape.MAX_POSITIONS, OverLength.QUARANTINE));
        template = ChatTemplate.fromFolder(folder);
        tokenizer = Tokenizer.fromFolder(folder);
    }

    /** @param turns of user and assistant in alternation */
    TokenSequence encode(List<String> turns) {
        List<Message> messages = new ArrayList<>();
        for (int i = 0; i < turns.size(); i++) {
            messages.add(new Message(i % 2 == 0 ? "user" : "assistant", turns.get(i)));
        }
        try {
            return encoder.encode(Conversation.of("", "", messages));
        } catch (UnusableConversationException e) {
            throw new IllegalStateException("The grammar wrote what its own tokenizer refuses: " + turns, e);
        }
    }

    /** A first prompt, up to where the assistant speaks. */
    long[] prompt(String prompt) {
        int[] ids = tokenizer.encode(template.render(List.of(new Message("user", prompt)), true)).inputIds();
        return Arrays.stream(ids).asLongStream().toArray();
    }

    String text(long[] ids) {
        return tokenizer.decode(Arrays.stream(ids).mapToInt(Math::toIntExact).toArray());
    }

    @Override
    public void close() {
        encoder.close();
        tokenizer.close();
    }
}
