package dev.aerie.evaluate;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class BigramTableTest {

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
