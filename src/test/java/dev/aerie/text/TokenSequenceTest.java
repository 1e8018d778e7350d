package dev.aerie.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import org.junit.jupiter.api.Test;

class TokenSequenceTest {

    private static final TokenSequence WHOLE =
            new TokenSequence(new int[] {5, 6, 7, 8}, new boolean[] {false, true, false, true});

    @Test
    void slicesPutEndToEndAreTheWhole() {
        for (int cut = 0; cut <= WHOLE.length(); cut++) {
            assertEquals(WHOLE, TokenSequence.concatenated(List.of(WHOLE.slice(0, cut), WHOLE.slice(cut, WHOLE.length()))));
        }
    }

    @Test
    void countsWhatIsSupervisedAndWhatComesBefore() {
        assertEquals(2, WHOLE.supervisedCount());
        assertEquals(1, WHOLE.promptLength());
        assertEquals(1, WHOLE.slice(2, 3).promptLength());
    }

    @Test
    void aMaskOfAnotherLengthIsRefused() {
        assertThrows(IllegalArgumentException.class, () -> new TokenSequence(new int[2], new boolean[1]));
    }
}
