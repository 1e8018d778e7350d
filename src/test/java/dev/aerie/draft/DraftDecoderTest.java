package dev.aerie.draft;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.aerie.text.TokenSequence;
import dev.aerie.torch.DType;
import dev.aerie.torch.Device;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class DraftDecoderTest {

    private static final int DRAFTED = 5;

    private final DraftConfig config = Drafts.config();

    /** A chain from row t is row t of the TTT forward over the text and the chain: replay finds every drafted token right. */
    @Test
    void draftsWhatTheTttRowsSay() {
        for (int seed = 1; seed <= 10; seed++) {
            Random random = new Random(seed);
            int read = 1 + random.nextInt(20);
            try (Scope scope = Scope.open(); DraftParameters parameters = Drafts.parameters(config, seed)) {
                FrozenTarget target = Drafts.target(config, 3);
                long[] ids = random.longs(read + 1 + DRAFTED, 0, config.vocabSize()).toArray();
                Tensor aux = Tensor.randomNormal(seed, 1, ids.length, 3 * Drafts.HIDDEN);
                try (DraftDecoder decoder = new DraftDecoder(parameters, target, DType.F32);
                        DraftDecoder.Text text = decoder.begin(ids.length);
                        TttReplay replay = new TttReplay(parameters, target, DRAFTED, DType.F32)) {
                    text.extend(aux.narrow(0, 0, read), Arrays.copyOfRange(ids, 1, read + 1));
                    System.arraycopy(text.propose(DRAFTED), 0, ids, read + 1, DRAFTED);
                    boolean[] supervised = new boolean[ids.length];
                    Arrays.fill(supervised, read, ids.length, true);
                    ReplayCounts counts = replay.replay(new TrainingBatch(
                            new TokenSequence(Arrays.stream(ids).mapToInt(Math::toIntExact).toArray(), supervised),
                                    new long[] {0, ids.length}, aux,
                            Tensor.zeros(DType.F32, Device.CPU, 0, Drafts.HIDDEN), new long[0]));
                    assertEquals(1, counts.rounds(), "seed " + seed);
                    assertEquals(DRAFTED, counts.emitted(), "seed " + seed);
                    assertEquals(1, counts.hitRate(DRAFTED), "seed " + seed);
                }
            }
        }
    }

    @Test
    void forgetsAChainWhenTheTextGoesOn() {
        try (Scope scope = Scope.open(); DraftParameters parameters = Drafts.parameters(config, 8)) {
            long[] following = new Random(9).longs(12, 0, config.vocabSize()).toArray();
            Tensor aux = Tensor.randomNormal(10, 1, 12, 3 * Drafts.HIDDEN);
            try (DraftDecoder decoder = new DraftDecoder(parameters, Drafts.target(config, 3), DType.F32);
                    DraftDecoder.Text whole = decoder.begin(20);
                    DraftDecoder.Text pieces = decoder.begin(20)) {
                whole.extend(aux, following);
                for (int[] piece : new int[][] {{0, 5}, {5, 1}, {6, 4}, {10, 2}}) {
                    int end = piece[0] + piece[1];
                    pieces.extend(aux.narrow(0, piece[0], piece[1]), Arrays.copyOfRange(following, piece[0], end));
                    pieces.propose(DRAFTED);
                }
                assertEquals(12, pieces.length());
                assertArrayEquals(whole.propose(DRAFTED), pieces.propose(DRAFTED));
            }
        }
    }

    @Test
    void refusesWhatDoesNotFit() {
        try (Scope scope = Scope.open(); DraftParameters parameters = Drafts.parameters(config, 8)) {
            try (DraftDecoder decoder = new DraftDecoder(parameters, Drafts.target(config, 3), DType.F32);
                    DraftDecoder.Text text = decoder.begin(4)) {
                assertThrows(IllegalStateException.class, () -> text.propose(1));
                Tensor aux = Tensor.zeros(DType.F32, Device.CPU, 3, 3 * Drafts.HIDDEN);
                assertThrows(IllegalArgumentException.class, () -> text.extend(aux, new long[2]));
                text.extend(aux, new long[3]);
                assertEquals(2, text.propose(2).length);
                assertThrows(IllegalArgumentException.class, () -> text.propose(3));
            }
        }
    }
}
