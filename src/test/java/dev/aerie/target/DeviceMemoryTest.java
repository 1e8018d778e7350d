package dev.aerie.target;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

class DeviceMemoryTest {

    private static long free(String script, Duration limit) throws IOException {
        return DeviceMemory.freeMebibytes(List.of("sh", "-c", script), limit);
    }

    @Test
    void readsWhatTheCommandPrints() throws IOException {
        assertEquals(80123, free("echo ' 80123 '", Duration.ofSeconds(30)));
        for (String bad : List.of("echo none; exit 6", "echo '[N/A]'", "printf '1\\n2\\n'", "true")) {
            assertThrows(IOException.class, () -> free(bad, Duration.ofSeconds(30)), bad);
        }
    }

    /** A driver in trouble lets nvidia-smi hang, with and without words. */
    @Test
    void aCommandThatHangsIsEndedAtItsTimeLimit() {
        for (String script : List.of("exec sleep 60", "echo 80123; exec sleep 60")) {
            long start = System.nanoTime();
            String said = assertThrows(IOException.class, () -> free(script, Duration.ofSeconds(1))).getMessage();
            assertTrue(said.contains("no answer within 1 s"), said);
            assertTrue(System.nanoTime() - start < 30e9, "waited for the command to end");
        }
    }

    @Test
    void asksForTheDeviceThatCudaMeans() throws IOException {
        assertEquals("1", DeviceMemory.physical(1, null));
        assertEquals("1", DeviceMemory.physical(1, " "));
        assertEquals("3", DeviceMemory.physical(1, "2, 3"));
        assertEquals("GPU-5a", DeviceMemory.physical(0, "GPU-5a"));
        assertThrows(IOException.class, () -> DeviceMemory.physical(1, "GPU-5a"));
    }
}
