package dev.aerie.draft;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.aerie.testing.Shared;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Losses, metrics and gradients against SpecForge's own. */
class DraftVerificationTest {

    @ParameterizedTest
    @ValueSource(strings = {"eagle3", "eagle3-llama3rope"})
    void agreesWithSpecForge(String name) {
        agrees(Shared.path("golden/training/" + name));
    }

    /** A copy of eagle3-llama3rope without its gradients and late parameters: the trajectory's gradient norms stand for them. */
    @Test
    void agreesWithSpecForgeOnABareClone() {
        agrees(Path.of("src/test/resources/dev/aerie/draft/eagle3-llama3rope"));
    }

    private static void agrees(Path golden) {
        List<DraftVerification.Check> checks = DraftVerification.run(golden);
        assertTrue(checks.size() >= 10, checks.size() + " checks");
        assertAll(checks.stream().map(c -> () -> assertTrue(c.passed(), c.toString())));
    }

    @ParameterizedTest
    @ValueSource(strings = {"eagle3-lk-alpha", "eagle3-lk-lambda", "eagle3-fcnorm-wide-target"})
    void refusesWhatItDoesNotCompute(String name) {
        Path folder = Shared.path("golden/training/" + name);
        String message = assertThrows(IllegalArgumentException.class, () -> DraftVerification.run(folder)).getMessage();
        assertTrue(message.startsWith(name.contains("lk") ? "Invalid lk: " : "Invalid fc_norm: "), message);
    }
}
