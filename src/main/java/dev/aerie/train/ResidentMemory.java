package dev.aerie.train;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Measures the memory of this process, native memory included. */
public final class ResidentMemory {

    private ResidentMemory() {}

    /** Returns the resident set size in MB (10^6 bytes); null if the system does not report it (Linux does). */
    public static Long megabytes() {
        try {
            return Files.readAllLines(Path.of("/proc/self/status")).stream()
                    .filter(l -> l.startsWith("VmRSS:"))
                    .map(l -> Long.parseLong(l.replaceAll("\\D", "")) * 1024 / 1_000_000)
                    .findFirst()
                    .orElse(null);
        } catch (IOException notLinux) {
            return null;
        }
    }
}
