package dev.aerie.jobs.quickstart;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Conversations as ids, rendered as {@link TokenizerTrainer#CHAT_TEMPLATE} does. */
final class ConversationEncoder implements AutoCloseable {

    private final HuggingFaceTokenizer tokenizer;

    ConversationEncoder(Path folder) throws IOException {
        tokenizer = HuggingFaceTokenizer.builder().optTokenizerPath(folder).optAddSpecialTokens(false).optTruncation(false).build();
    }

    TargetTrainer.Example example(List<String> turns) {
        List<long[]> parts = new ArrayList<>();
        int length = 0;
        for (int i = 0; i < turns.size(); i++) {
            long[] part = ids((i % 2 == 0 ? "<|user|>" : "<|assistant|>") + turns.get(i) + TokenizerTrainer.END);
            parts.add(part);
            length += part.length;
        }
        long[] ids = new long[length];
        boolean[] answer = new boolean[length];
        int at = 0;
        for (int i = 0; i < parts.size(); i++) {
            for (int j = 0; j < parts.get(i).length; j++, at++) {
                ids[at] = parts.get(i)[j];
                answer[at] = i % 2 == 1 && j > 0;
            }
        }
        return new TargetTrainer.Example(ids, answer);
    }

    /** A first prompt, up to where the assistant speaks. */
    long[] prompt(String prompt) {
        return ids("<|user|>" + prompt + TokenizerTrainer.END + "<|assistant|>");
    }

    String text(long[] ids) {
        return tokenizer.decode(ids, false);
    }

    private long[] ids(String text) {
        return tokenizer.encode(text).getIds();
    }

    @Override
    public void close() {
        tokenizer.close();
    }
}
