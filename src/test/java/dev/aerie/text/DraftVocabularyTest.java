package dev.aerie.text;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.aerie.errors.RefusalException;
import org.junit.jupiter.api.Test;

class DraftVocabularyTest {

    @Test
    void takesTheMostFrequentAndOfEqualsTheEarlierAndThenTheLowerId() {
        long[] counts = {0, 3, 1, 9, 1, 0};
        DraftVocabulary vocabulary = DraftVocabulary.from(counts, new long[6], 3);
        assertArrayEquals(new int[] {1, 2, 3}, vocabulary.ids());
        assertArrayEquals(new long[] {1, 1, 1}, vocabulary.d2t());
        assertArrayEquals(new boolean[] {false, true, true, true, false, false}, vocabulary.t2d());
        assertArrayEquals(new int[] {0, 1, 2, 3, 4}, DraftVocabulary.from(counts, new long[6], 5).ids());
        assertArrayEquals(new int[] {1, 3, 4}, DraftVocabulary.from(counts, new long[] {-1, 0, 8, 0, 7, -1}, 3).ids());
    }

    @Test
    void refusesWhatIsNoVocabulary() {
        assertThrows(RefusalException.class, () -> new DraftVocabulary(4, new int[] {1, 1}));
        assertThrows(RefusalException.class, () -> new DraftVocabulary(4, new int[] {4}));
        assertThrows(RefusalException.class, () -> new DraftVocabulary(4, new int[0]));
        assertThrows(RefusalException.class, () -> DraftVocabulary.from(new long[3], new long[3], 4));
    }
}
