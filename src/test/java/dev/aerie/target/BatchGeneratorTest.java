package dev.aerie.target;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.aerie.testing.Golden;
import dev.aerie.torch.DType;
import dev.aerie.torch.Device;
import dev.aerie.torch.Scope;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BatchGeneratorTest {

    private static final int VOCABULARY = 320;

    /** Requests of all lengths, more than are decoded at a time: each text is what the sequence alone gives. */
    @Test
    void sequencesDoNotSeeEachOther() throws IOException {
        Random random = new Random(5);
        List<BatchGenerator.Request> requests = new ArrayList<>();
        for (int i = 0; i < 17; i++) {
            requests.add(new BatchGenerator.Request(random.ints(1 + random.nextInt(30), 0, VOCABULARY).asLongStream().toArray(),
                    1 + random.nextInt(25)));
        }
        try (Target target = Target.load(Golden.target("llama3-8layer"), DType.F32, Device.CPU)) {
            Generator alone = Generator.greedy(target);
            // First, because the rotary table grows with the longest sequence and stays.
            List<long[]> expected = requests.stream().map(r -> alone.generate(r.prompt(), r.maxNewTokens())).toList();
            long before = Scope.liveTensors();
            List<long[]> texts = new BatchGenerator(target, 5, 120).generate(requests);
            for (int i = 0; i < texts.size(); i++) {
                assertArrayEquals(expected.get(i), texts.get(i), "request " + i);
            }
            assertEquals(List.of(), new BatchGenerator(target, 1, 1).generate(List.of()));
            List<BatchGenerator.Request> wrong = List.of(requests.get(0), new BatchGenerator.Request(new long[] {VOCABULARY}, 3));
            assertThrows(IllegalArgumentException.class, () -> new BatchGenerator(target, 5, 120).generate(wrong));
            assertEquals(before, Scope.liveTensors());
        }
    }

    /** Every kind of attention, with slots that grow and sequences too unlike in length to be padded to one. */
    @ParameterizedTest
    @ValueSource(strings = {"llama3-8layer", "gemma2", "gemma3_text", "gpt_oss", "llama4_text", "deepseek_v2", "mistral",
        "qwen3_next"})
    void shortAndLongSequencesTogether(String family) throws IOException {
        try (Target target = Target.load(Golden.target(family), DType.F32, Device.CPU)) {
            int vocabulary = target.config().vocabSize();
            // Always the same: of enough random texts, one has two tokens of the same logit within rounding.
            Random random = new Random(7);
            List<BatchGenerator.Request> requests = new ArrayList<>();
            for (int length : new int[] {3, 180, 1, 60, 7, 2, 110, 5, 1, 66}) {
                requests.add(new BatchGenerator.Request(random.ints(length, 0, vocabulary).asLongStream().toArray(),
                        1 + random.nextInt(40)));
            }
            Generator alone = Generator.greedy(target);
            List<long[]> expected = requests.stream().map(r -> alone.generate(r.prompt(), r.maxNewTokens())).toList();
            for (int together : new int[] {4, 10}) {
                List<long[]> texts = new BatchGenerator(target, together, 10_000).generate(requests);
                for (int i = 0; i < texts.size(); i++) {
                    assertArrayEquals(expected.get(i), texts.get(i),
                            family + ", request " + i + ", " + together + " at a time");
                }
            }
        }
    }

    @Test
    void requestsForNothingAreErrors() {
        assertThrows(IllegalArgumentException.class, () -> new BatchGenerator.Request(new long[0], 1));
        assertThrows(IllegalArgumentException.class, () -> new BatchGenerator.Request(new long[1], 0));
    }
}
