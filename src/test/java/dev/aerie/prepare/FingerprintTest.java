package dev.aerie.prepare;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import dev.aerie.files.Sha256;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FingerprintTest {

    @TempDir
    Path folder;

    @Test
    void aTargetIsItsConfigAndWeights() throws IOException {
        Files.writeString(folder.resolve("config.json"), "{}");
        Files.write(folder.resolve("model.safetensors"), new byte[5000]);
        String first = Fingerprint.ofTarget(folder);
        Files.writeString(folder.resolve("README.md"), "not part of it");
        assertEquals(first, Fingerprint.ofTarget(folder));
        byte[] changed = new byte[5000];
        changed[4999] = 1;
        Files.write(folder.resolve("model.safetensors"), changed);
        assertNotEquals(first, Fingerprint.ofTarget(folder));
        Files.write(folder.resolve("model.safetensors"), new byte[5000]);
        assertEquals(first, Fingerprint.ofTarget(folder));
        Files.writeString(folder.resolve("config.json"), "{ }");
        assertNotEquals(first, Fingerprint.ofTarget(folder));
    }

    @Test
    void longFilesAreSampledAtTheirEndsAndInBetween() throws IOException {
        Path file = folder.resolve("weights");
        byte[] content = new byte[40 << 20];
        String same = sampled(file, content);
        for (int at : new int[] {0, (1 << 20) - 1, 16 << 20, (32 << 20) + 1000, content.length - 1}) {
            content[at] = 1;
            assertNotEquals(same, sampled(file, content), "byte " + at);
            content[at] = 0;
        }
        assertEquals(same, sampled(file, content));
    }

    private static String sampled(Path file, byte[] content) throws IOException {
        Files.write(file, content);
        Sha256 sha = new Sha256();
        Fingerprint.add(sha, file, 1 << 20);
        return sha.hex();
    }
}
