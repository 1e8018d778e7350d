package dev.aerie.evaluate;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class BigramTableTest {

    private static final boolean[] ALL = {false, true, true, true, true, true};

    @Test
    void proposesTheMostFrequentSupervisedSuccessor() {
        BigramTable table = new BigramTable.Counter(6)
                .add(new int[] {0, 1, 2, 1, 3, 1}, ALL)
                .add(new int[] {0, 1, 3, 1, 0, 1}, new boolean[] {false, false, true, true, false, true})
                .table();
        // 1 is followed by 2 once and by 3 twice; its successor 0 is not supervised. 4 and 5 never occur.
        assertArrayEquals(new int[] {1, 3, 1, 1, 1, 1}, table.next());
    }

    @Test
    void replayCountsAsDecodingWould() {
        BigramTable table = new BigramTable(new int[] {1, 2, 3, 0});
        // From the prefill's 0: 1 2 3 accepted, bonus 0; then 1 accepted, 2 wrong, bonus 1; then 2 accepted and the text ends.
        Acceptance acceptance = table.replay(new long[] {0, 1, 2, 3, 0, 1, 1, 2}, 3);
        assertArrayEquals(new long[] {0, 2, 0, 1}, acceptance.rounds());
        assertEquals(7, acceptance.emitted());
        assertEquals(7 / 3.0, acceptance.length());
        assertEquals(1, acceptance.hitRate(1));
        assertEquals(1 / 3.0, acceptance.hitRate(2));
        assertEquals(0, table.replay(new long[] {2}, 3).count());
    }
}
