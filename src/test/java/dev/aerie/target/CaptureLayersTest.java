package dev.aerie.target;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.aerie.errors.RefusalException;
import java.util.List;
import org.junit.jupiter.api.Test;

class CaptureLayersTest {

    @Test
    void defaultsAreThoseOfTheServingEngines() {
        assertArrayEquals(new int[] {1, 15, 28}, CaptureLayers.defaults(32));
        assertArrayEquals(new int[] {1, 1, 1}, CaptureLayers.defaults(5));
        assertArrayEquals(new int[] {1, 2, 3}, CaptureLayers.defaultsForTraining(7));
        assertTrue(CaptureLayers.areDefaults(List.of(1, 15, 28), 32));
        assertFalse(CaptureLayers.areDefaults(List.of(1, 15, 28), 33));
    }

    /** The recipe said nothing: the message is about the target, not about a value of the user's. */
    @Test
    void shallowTargetsHaveNone() {
        for (int layers = 1; layers < 7; layers++) {
            int n = layers;
            String said = assertThrows(RefusalException.class, () -> CaptureLayers.defaultsForTraining(n)).getMessage();
            assertTrue(said.startsWith("Missing target.capture_layers (expected "), said);
            assertTrue(said.contains("this one has " + n), said);
            assertFalse(said.contains("null"), said);
            assertFalse(CaptureLayers.areDefaults(List.of(0, 1, 2), n));
        }
        assertEquals("Missing target.capture_layers (expected layers from 0 to 3, low to high: the default of layers 1, n/2 - 1 "
                + "and n - 4 needs a target of 7 layers, and this one has 4)",
                assertThrows(RefusalException.class, () -> CaptureLayers.defaults(4)).getMessage());
    }
}
