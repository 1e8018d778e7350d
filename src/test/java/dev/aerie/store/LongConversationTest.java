package dev.aerie.store;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import dev.aerie.text.TokenSequence;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** States of one conversation over 2 GiB are read. */
class LongConversationTest {

    private static final int HIDDEN = 7168;
    private static final int TOKENS = 51_000;

    @Test
    void statesOverTwoGibibytes() {
        StoreSettings settings = Stores.settings(Codec.of("bf16"), TeacherRows.STRICT, HIDDEN, 1);
        List<Chunk> chunks = new ArrayList<>();
        EncodedStates none = EncodedStates.of(new byte[0], new byte[0]);
        byte[] zero = new byte[Chunk.MAX_TOKENS * HIDDEN];
        EncodedStates zeros = EncodedStates.of(zero, zero);
        for (int first = 0; first < TOKENS; first += Chunk.MAX_TOKENS) {
            int n = Math.min(Chunk.MAX_TOKENS, TOKENS - first);
            EncodedStates states = n == Chunk.MAX_TOKENS ? zeros : ones(n);
            chunks.add(new Chunk("c", Part.TRAIN, TOKENS, first, new TokenSequence(new int[n], new boolean[n]),
                    List.of(states, states, states, none)));
        }
        try (Scope scope = Scope.open()) {
            Tensor aux = new StoredConversation(settings.states(), StateSelection.all(settings.states()), "shard", chunks).aux();
            assertArrayEquals(new long[] {TOKENS, 3L * HIDDEN}, aux.shape());
            float[] last = aux.narrow(0, TOKENS - 1, 1).toFloats();
            float[] first = aux.narrow(0, 0, 1).toFloats();
            assertArrayEquals(new float[] {1, 1, 0, 0},
                    new float[] {last[0], last[3 * HIDDEN - 1], first[0], first[3 * HIDDEN - 1]});
        }
    }

    /** 0x3f80 is 1. */
    private static EncodedStates ones(int tokens) {
        byte[] hi = new byte[tokens * HIDDEN];
        Arrays.fill(hi, (byte) 0x3f);
        byte[] lo = new byte[hi.length];
        Arrays.fill(lo, (byte) 0x80);
        return EncodedStates.of(hi, lo);
    }
}
