package dev.aerie.text;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.aerie.testing.Shared;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** 176 conversations as SpecForge tokenises and masks them with its template "qwen", and the vocabulary it derives. */
class GoldenLossMaskTest {

    /** What SpecForge's template puts before conversations without a system turn. */
    private static final String QWEN_PROMPT = "You are a helpful assistant.";

    @Tag(Shared.TAG)
    @Test
    void agreesWithSpecForge() throws Exception {
        Map<EncoderSettings, ConversationEncoder> encoders = new HashMap<>();
        int compared = 0;
        for (JsonNode one : golden().get("cases")) {
            EncoderSettings settings = EncoderSettings.specforge(Shared.path("models/gsm-llama-8l").toString(), QWEN_PROMPT,
                    one.get("max_length").asInt(), one.get("train_only_last_turn").asBoolean());
            ConversationEncoder encoder = encoders.computeIfAbsent(settings, ConversationEncoder::new);
            assertEquals(new AssistantMarkers("<|im_start|>assistant\n", List.of("<|im_end|>\n")), encoder.markers());
            Conversation conversation = conversation(one.get("conversation"));
            int[] mask = ints(one.get("loss_mask"));
            String id = conversation.id() + ", " + settings.length().max() + ", last turn only "
                    + settings.supervision().lastTurnOnly();
            if (Arrays.stream(mask).sum() == 0) {
                assertThrows(UnusableConversationException.class, () -> encoder.encode(conversation), id);
            } else {
                TokenSequence tokens = encoder.encode(conversation);
                assertArrayEquals(ints(one.get("input_ids")), tokens.inputIds(), id);
                assertArrayEquals(mask, ints(tokens.lossMask()), id);
            }
            compared++;
        }
        assertEquals(176, compared);
        encoders.values().forEach(ConversationEncoder::close);
    }

    /** SpecForge counted the first 40 conversations; 169 tokens that occur twice are left for the last 115 places. */
    @Tag(Shared.TAG)
    @Test
    void vocabularyIsSpecForges() throws IOException {
        JsonNode golden = golden();
        JsonNode mapping = golden.get("vocab_mapping");
        long[] counts = new long[mapping.get("target_vocab_size").asInt()];
        long[] firstSeen = new long[counts.length];
        for (int c = 39; c >= 0; c--) {
            // Each conversation has four cases, the first of them neither cut nor reduced to its last turn.
            int[] ids = ints(golden.get("cases").get(4 * c).get("input_ids"));
            int[] mask = ints(golden.get("cases").get(4 * c).get("loss_mask"));
            for (int i = 0; i < ids.length; i++) {
                if (mask[i] == 1) {
                    counts[ids[i]]++;
                    firstSeen[ids[i]] = c;
                }
            }
        }
        int[] theirs = ints(mapping.get("t2d_true"));
        assertArrayEquals(theirs, DraftVocabulary.from(counts, firstSeen, theirs.length).ids());
    }

    /** With its choice of ids, its d2t. */
    @Tag(Shared.TAG)
    @Test
    void offsetsAreSpecForges() throws IOException {
        JsonNode mapping = golden().get("vocab_mapping");
        DraftVocabulary vocabulary = new DraftVocabulary(mapping.get("target_vocab_size").asInt(), ints(mapping.get("t2d_true")));
        assertArrayEquals(ints(mapping.get("d2t")), Arrays.stream(vocabulary.d2t()).mapToInt(Math::toIntExact).toArray());
        boolean[] proposable = vocabulary.t2d();
        int[] ids = IntStream.range(0, proposable.length).filter(i -> proposable[i]).toArray();
        assertArrayEquals(ints(mapping.get("t2d_true")), ids);
    }

    private static JsonNode golden() throws IOException {
        return new ObjectMapper().readTree(Shared.path("golden/text/loss_mask_qwen.json").toFile());
    }

    private static Conversation conversation(JsonNode record) {
        List<Message> messages = new ArrayList<>();
        Map<String, String> roles = Map.of("human", "user", "gpt", "assistant", "system", "system");
        for (JsonNode turn : record.get("conversations")) {
            messages.add(new Message(roles.get(turn.get("from").asText()), turn.get("value").asText()));
        }
        return Conversation.of(record.get("id").asText(), "golden", messages);
    }

    private static int[] ints(JsonNode array) {
        return StreamSupport.stream(array.spliterator(), false).mapToInt(JsonNode::asInt).toArray();
    }

    private static int[] ints(boolean[] mask) {
        int[] ints = new int[mask.length];
        for (int i = 0; i < mask.length; i++) {
            ints[i] = mask[i] ? 1 : 0;
        }
        return ints;
    }
}
