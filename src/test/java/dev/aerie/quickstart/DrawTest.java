package dev.aerie.quickstart;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

class DrawTest {

    private final Draw draw = new Draw(5);

    @Test
    void fillsSlotsAndAgrees() {
        assertEquals("An owl and a fox. He pays 1 coin. She pays 11 coins, at 3:1.\nWith an umbrella.",
                draw.say("a(n) {a} and a(n) {b}. he pays {n} coins. she pays {m} coins, at 3:{n}.\nwith a(n) umbrella.", "a",
                        "owl",
                        "b", "fox", "n", 1, "m", 11));
    }

    @Test
    void drawsOneOfNestedAlternatives() {
        List<String> possible = List.of("A.", "B c.", "B d.");
        for (int i = 0; i < 50; i++) {
            String said = draw.say("[a|b [c|d]].");
            assertTrue(possible.contains(said), said);
        }
    }

    @Test
    void refusesPatternsWithHoles() {
        assertThrows(IllegalArgumentException.class, () -> draw.say("{who}"));
        assertThrows(IllegalArgumentException.class, () -> draw.say("[a|b"));
    }

    @Test
    void listsAsPeopleDo() {
        assertEquals("", Draw.list(List.of()));
        assertEquals("a", Draw.list(List.of("a")));
        assertEquals("a, b and c", Draw.list(List.of("a", "b", "c")));
    }
}
