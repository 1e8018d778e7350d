package dev.aerie.evaluate;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.aerie.target.Generator;
import dev.aerie.target.Sampling;
import dev.aerie.target.Target;
import dev.aerie.torch.DType;
import dev.aerie.torch.Device;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class SpeculativeDecoderIT {

    private static final long[] PROMPT = {5, 17, 300, 2, 9};
    private static final int[] CAPTURE = {0, 0, 1};
    private static Target target;

    @BeforeAll
    static void load() {
        target = Target.load(Path.of("src/test/resources/dev/aerie/target/llama3-two-layers"), DType.F32, Device.CPU);
    }

    @AfterAll
    static void close() {
        target.close();
    }

    @Test
    void greedyTextIsTheTargetsOwnWhateverTheDraft() {
        long[] own = Generator.greedy(target).generate(PROMPT, 40);
        long live = Scope.liveTensors();
        for (long seed = 61; seed < 69; seed++) {
            Random random = new Random(seed);
            double skill = random.nextDouble();
            var text = decoder(new ScriptedDraft(PROMPT, own, skill, 3, random), 4, Sampling.GREEDY).generate(PROMPT, 40, null);
            assertArrayEquals(own, text.tokens(), "seed " + seed);
            assertEquals(own.length - 1, text.acceptance().emitted(), "seed " + seed);
        }
        assertEquals(live, Scope.liveTensors());
    }

    @Test
    void aPerfectDraftIsAcceptedWholeAndAUselessOneNever() {
        long[] own = Generator.greedy(target).generate(PROMPT, 33);
        assertEquals(33, own.length);
        Acceptance perfect = decoder(new ScriptedDraft(PROMPT, own, 2, 3, new Random(1)), 7, Sampling.GREEDY)
                .generate(PROMPT, 33, null).acceptance();
        assertEquals(4, perfect.count());
        assertEquals(8, perfect.length());
        assertEquals(1, perfect.hitRate(7));
        // 300 follows nothing in this text.
        assertTrue(Arrays.stream(own).noneMatch(t -> t == 300));
        Acceptance useless = decoder(new ScriptedDraft(PROMPT, own, 0, 300, new Random(1)), 7, Sampling.GREEDY)
                .generate(PROMPT, 33, null).acceptance();
        assertEquals(32, useless.count());
        assertEquals(1, useless.length());
        assertEquals(0, useless.hitRate(1));
    }

    @Test
    void theLastRoundCountsWhatItEmitted() {
        long[] own = Generator.greedy(target).generate(PROMPT, 6);
        Acceptance cut = decoder(new ScriptedDraft(PROMPT, own, 2, 3, new Random(1)), 3, Sampling.GREEDY)
                .generate(PROMPT, 6, null).acceptance();
        // Five tokens after the prefill's: four in a full round, one in the round that the limit cuts.
        assertArrayEquals(new long[] {0, 1, 0, 1}, cut.rounds());
        assertEquals(5, cut.emitted());
        assertEquals(0, decoder(new ScriptedDraft(PROMPT, own, 2, 3, new Random(1)), 3, Sampling.GREEDY)
                .generate(PROMPT, 1, null).acceptance().count());
    }

    @Test
    void sampledTextIsDistributedAsTheTargetsOwn() {
        Sampling sampling = new Sampling(0.7, 6, 1);
        long[] guess = Generator.greedy(target).generate(PROMPT, 4);
        Random random = new Random(71);
        int rounds = 3000;
        int[][] counts = new int[2][400];
        // Every text goes its own way, so this draft does not check what it is told.
        ChainDraft draft = new ChainDraft() {
            @Override
            public Text begin(int capacity) {
                return new Text() {
                    @Override
                    public void extend(Tensor aux, long[] following) {}

                    @Override
                    public long[] propose(int count) {
                        return Arrays.copyOfRange(guess, 1, 1 + count);
                    }

                    @Override
                    public void close() {}
                };
            }
        };
        SpeculativeDecoder decoder = decoder(draft, 2, sampling);
        Generator plain = new Generator(target, sampling, random);
        for (int i = 0; i < rounds; i++) {
            counts[0][(int) plain.generate(PROMPT, 2)[1]]++;
            counts[1][(int) decoder.generate(PROMPT, 2, random).tokens()[1]]++;
        }
        for (int token = 0; token < 320; token++) {
            double expected = (counts[0][token] + counts[1][token]) / 2.0;
            assertEquals(expected, counts[1][token], 4 * Math.sqrt(expected) + 1, "seed 71, token " + token);
        }
    }

    private static SpeculativeDecoder decoder(ChainDraft draft, int draftTokens, Sampling sampling) {
        return new SpeculativeDecoder(target, draft, CAPTURE, draftTokens, sampling);
    }
}
