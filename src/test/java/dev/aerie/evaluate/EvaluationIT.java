package dev.aerie.evaluate;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.aerie.errors.RefusalException;
import dev.aerie.target.Target;
import dev.aerie.testing.LocalSpark;
import dev.aerie.torch.DType;
import dev.aerie.torch.Device;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.api.java.JavaSparkContext;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EvaluationIT {

    @TempDir
    Path folder;

    @Test
    void promptsAreSpreadOverTasksAndTheReportIsOfAll() throws IOException {
        List<Prompt> prompts = TinyDraft.prompts(84, 9);
        BigramTable bigrams;
        try (Target target = Target.load(TinyDraft.TARGET, DType.F32, Device.CPU)) {
            TinyDraft.into(folder, target);
            bigrams = new BigramTable(new int[320]);
        }
        List<Integer> progress = new ArrayList<>();
        AcceptanceReport report = Evaluation.run(spark(), TinyDraft.settings(folder), prompts, bigrams, progress::add);
        assertEquals(0, report.trueDifferences());
        assertTrue(report.acceptanceLength() >= 1 && report.acceptanceLength() <= 5);
        assertTrue(report.tokensPerSecond() > 0 && report.plainTokensPerSecond() > 0);
        assertEquals(9, progress.get(progress.size() - 1));
        ObjectNode json = report.toJson();
        assertEquals(9, json.path("per_prompt").size());
        for (int i = 0; i < 9; i++) {
            assertEquals(i, json.path("per_prompt").get(i).path("prompt").intValue());
        }
        assertEquals(report.acceptanceLength(), json.path("acceptance_length").doubleValue());
        assertEquals(report.bigramAcceptanceLength(), json.path("bigram").path("acceptance_length").doubleValue());
        assertEquals(4, json.path("hit_rate").size());
        AcceptanceReport again = Evaluation.run(spark(), TinyDraft.settings(folder), prompts, null, n -> {});
        assertEquals(report.acceptanceLength(), again.acceptanceLength());
        assertArrayEquals(report.interval(), again.interval());
        assertTrue(Double.isNaN(again.bigramAcceptanceLength()));
    }

    /** Its files have neither d2t nor t2d. */
    @Test
    void takesADraftOfAllTokens() throws IOException {
        try (Target target = Target.load(TinyDraft.TARGET, DType.F32, Device.CPU)) {
            TinyDraft.into(folder, target, 320);
        }
        AcceptanceReport report = Evaluation.run(
                spark(), TinyDraft.settings(folder), TinyDraft.prompts(84, 4), null, n -> {});
        assertEquals(0, report.trueDifferences());
        assertTrue(report.acceptanceLength() > 1, report.acceptanceLength() + " tokens a round");
    }

    @Test
    void aTargetThatIsNotThereIsSaidOnce() {
        EvaluateSettings settings = TinyDraft.settings("nowhere", folder);
        RuntimeException refused = assertThrows(RuntimeException.class,
                () -> Evaluation.run(spark(), settings, TinyDraft.prompts(85, 2), null, n -> {}));
        assertEquals(RefusalException.class, refused.getClass());
        assertEquals("Missing model folder: " + Path.of("nowhere").toAbsolutePath(), refused.getMessage());
    }

    private static JavaSparkContext spark() {
        return JavaSparkContext.fromSparkContext(LocalSpark.session().sparkContext());
    }
}
