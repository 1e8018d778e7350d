package dev.aerie.quickstart;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import dev.aerie.errors.RefusalException;
import dev.aerie.quickstart.ConversationWriter.Part;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TokenizerTrainerTest {

    private static final List<String> TEXTS = new ConversationWriter(1, Part.TRAINING).texts(300);

    @TempDir
    private Path folder;

    private HuggingFaceTokenizer load(TokenizerTrainer trained) throws Exception {
        trained.write(folder);
        return HuggingFaceTokenizer.builder().optTokenizerPath(folder).optAddSpecialTokens(false).optTruncation(false).build();
    }

    @Test
    void roundTripsAnyText() throws Exception {
        TokenizerTrainer trained = TokenizerTrainer.learn(TEXTS, 600);
        assertEquals(600, trained.vocabularySize());
        try (HuggingFaceTokenizer tokenizer = load(trained)) {
            for (String text : List.of(TEXTS.get(0), TEXTS.get(1), "é ü 漢字 🙂\n\tTwo  blanks 1234 ¡\u00ad!\u007f", "")) {
                assertEquals(text, tokenizer.decode(tokenizer.encode(text).getIds(), false));
            }
            long[] ids = tokenizer.encode("<|user|>12 + 7<|end|>").getIds();
            assertEquals(trained.idOf("<|user|>"), ids[0]);
            assertEquals(trained.idOf("<|end|>"), ids[ids.length - 1]);
            assertEquals(List.of("1", "2", "3"), List.of(tokenizer.encode("123").getTokens()), "digits stand alone");
        }
    }

    @Test
    void joinsWhatIsFrequent() throws Exception {
        try (HuggingFaceTokenizer tokenizer = load(TokenizerTrainer.learn(TEXTS, 600))) {
            int letters = 0;
            int tokens = 0;
            for (String text : TEXTS) {
                letters += text.length();
                tokens += tokenizer.encode(text).getIds().length;
            }
            assertTrue(letters > 2.2 * tokens, letters + " letters in " + tokens + " tokens");
        }
    }

    @Test
    void sameTextSameFile() throws Exception {
        TokenizerTrainer.learn(TEXTS, 400).write(folder);
        String first = Files.readString(folder.resolve("tokenizer.json"));
        TokenizerTrainer.learn(TEXTS, 400).write(folder);
        assertEquals(first, Files.readString(folder.resolve("tokenizer.json")));
    }

    @Test
    void stopsWhereNoPairIsLeft() {
        assertTrue(TokenizerTrainer.learn(List.of("aa aa"), 1000).vocabularySize() < 270);
        assertThrows(RefusalException.class, () -> TokenizerTrainer.learn(TEXTS, 256));
    }
}
