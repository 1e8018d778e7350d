package dev.aerie.train;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What this process occupies, native memory included. */
public final class ResidentMemory {

    private ResidentMemory() {}

    /** Resident set size in MB (10^6 bytes); null where the system does not tell (it does on Linux). */
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
