package dev.aerie.quickstart;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.aerie.quickstart.ConversationWriter.Part;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ConversationWriterTest {

    private static final int MANY = 3000;

    private static List<List<String>> write(long seed, Part part, int count) {
        ConversationWriter writer = new ConversationWriter(seed, part);
        return Stream.generate(writer::next).limit(count).toList();
    }

    @Test
    void sameSeedSameConversations() {
        assertEquals(write(3, Part.TRAINING, 200), write(3, Part.TRAINING, 200));
        assertNotEquals(write(3, Part.TRAINING, 200), write(4, Part.TRAINING, 200));
    }

    @Test
    void isLanguageAndNotALoop() {
        List<List<String>> all = write(1, Part.TRAINING, MANY);
        List<String> answers = new ArrayList<>();
        Set<String> words = new HashSet<>();
        Set<String> firstWords = new HashSet<>();
        for (List<String> turns : all) {
            assertTrue(turns.size() >= 2 && turns.size() % 2 == 0, () -> "turns: " + turns);
            for (String turn : turns) {
                words.addAll(Arrays.asList(turn.toLowerCase(java.util.Locale.ROOT).split("[^a-z]+")));
                assertFalse(turn.isBlank() || !turn.equals(turn.strip()), () -> "'" + turn + "'");
            }
            for (int i = 1; i < turns.size(); i += 2) {
                answers.add(turns.get(i));
            }
            firstWords.add(turns.get(1).split(" ")[0]);
        }
        assertEquals(MANY, all.stream().map(t -> t.get(0)).distinct().count());
        assertTrue(words.size() > 800, "distinct words: " + words.size());
        assertTrue(firstWords.size() > 100, "distinct first words of an answer: " + firstWords.size());
        double distinct = new HashSet<>(answers).size() / (double) answers.size();
        assertTrue(distinct > 0.9, "share of distinct answers: " + distinct);
        long followUps = all.stream().filter(t -> t.size() > 2).count();
        assertTrue(followUps > MANY / 5, "conversations with a second question: " + followUps);
    }

    @Test
    void patternsLeaveNoTrace() {
        for (List<String> turns : write(2, Part.TRAINING, MANY)) {
            for (String turn : turns) {
                assertFalse(turn.matches("(?s).*([{}\\[\\]|]|\\(n|  | [,.?!]|\\b[Aa] [aei]).*"), turn);
            }
        }
    }

    @Test
    void heldOutPromptsAreNeverTrainedOn() {
        Set<String> trained = new HashSet<>();
        for (long seed = 1; seed <= 3; seed++) {
            write(seed, Part.TRAINING, MANY).forEach(t -> trained.add(t.get(0)));
        }
        List<List<String>> heldOut = write(1, Part.HELD_OUT, 200);
        assertTrue(heldOut.stream().noneMatch(t -> trained.contains(t.get(0))));
    }

    @Test
    void writesFilesThatReadersKnow(@TempDir Path folder) throws Exception {
        new ConversationWriter(1, Part.TRAINING).shareGpt(folder.resolve("a.json"), 5);
        JsonNode records = new ObjectMapper().readTree(folder.resolve("a.json").toFile());
        assertEquals(5, records.size());
        assertEquals("human", records.get(0).get("conversations").get(0).get("from").asText());
        assertEquals("gpt", records.get(0).get("conversations").get(1).get("from").asText());
        new ConversationWriter(1, Part.HELD_OUT).prompts(folder.resolve("b.jsonl"), 4);
        List<String> lines = Files.readAllLines(folder.resolve("b.jsonl"));
        assertEquals(4, lines.size());
        assertFalse(new ObjectMapper().readTree(lines.get(3)).get("prompt").asText().isBlank());
    }
}
