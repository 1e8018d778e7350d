package dev.aerie.draft;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.aerie.errors.RefusalException;
import dev.aerie.safetensors.SafetensorsWriter;
import dev.aerie.testing.Golden;
import dev.aerie.torch.DType;
import dev.aerie.torch.Device;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Losses, metrics and gradients against SpecForge's own. */
class DraftVerificationTest {

    @ParameterizedTest
    @ValueSource(strings = {"eagle3", "eagle3-llama3rope"})
    void agreesWithSpecForge(String name) {
        List<DraftVerification.Check> checks = DraftVerification.run(Golden.training(name));
        assertTrue(checks.size() >= 10, checks.size() + " checks");
        assertAll(checks.stream().map(c -> () -> assertTrue(c.passed(), c.toString())));
    }

    @ParameterizedTest
    @ValueSource(strings = {"eagle3-lk-alpha", "eagle3-lk-lambda", "eagle3-fcnorm-wide-target"})
    void refusesWhatItDoesNotCompute(String name) {
        Path folder = Golden.training(name);
        String message = assertThrows(RefusalException.class, () -> DraftVerification.run(folder)).getMessage();
        assertTrue(message.startsWith(name.contains("lk") ? "Invalid lk: " : "Invalid fc_norm: "), message);
    }

    /** SpecForge's figures of a sample without a supervised token: counts that it divides by are 1e-6, gradients 0 everywhere. */
    @Test
    void agreesWhereThereIsNothingToCount(@TempDir Path folder) throws IOException {
        silent(folder, 1e-6, 0);
        assertAll(DraftVerification.run(folder).stream().map(c -> () -> assertTrue(c.passed(), c.toString())));
        silent(folder, 1, 0);
        assertEquals(List.of("samples 0: correct, supervised and loss rows"), failed(folder));
        silent(folder, 1e-6, 1e-9);
        assertTrue(failed(folder).contains("sample0: gradient of fc.weight"), failed(folder).toString());
    }

    private static List<String> failed(Path folder) {
        return DraftVerification.run(folder).stream().filter(c -> !c.passed()).map(DraftVerification.Check::what).toList();
    }

    private static void silent(Path folder, double denominator, double gradient) throws IOException {
        DraftConfig config = Drafts.config();
        ObjectNode json = new ObjectMapper().createObjectNode();
        json.set("config", config.toJson());
        json.put("ttt_length", 1).put("step_weight_decay", 0.8);
        ObjectNode sample = json.putArray("samples").addObject();
        for (String zero : List.of("loss", "acc", "acceptance_rate", "correct")) {
            sample.putArray(zero).add(0.0);
        }
        sample.put("total", 0.0).putArray("denom").add(denominator);
        Files.writeString(folder.resolve("golden.json"), json.toString());
        try (Scope scope = Scope.open(); DraftParameters parameters = Drafts.parameters(config, 1)) {
            FrozenTarget target = Drafts.target(config, 2);
            TrainingBatch batch = Drafts.batch(config, new Random(3), 9);
            Map<String, Tensor> tensors = new LinkedHashMap<>();
            for (String name : parameters.names()) {
                tensors.put("init." + name, parameters.get(name));
                tensors.put("sample0.grad." + name,
                        Tensor.full(gradient, DType.F32, Device.CPU, parameters.get(name).shape()));
            }
            tensors.put("init.embed_tokens.weight", target.embedTokens());
            tensors.put("target_lm_head.weight", target.lmHead());
            tensors.put("d2t", Tensor.of(target.vocabulary().d2t(), target.vocabulary().size()));
            tensors.put("sample0.input_ids", Tensor.of(Arrays.stream(batch.inputIds()).asLongStream().toArray(), batch.tokens()));
            tensors.put("sample0.loss_mask", Tensor.of(new long[9], 9));
            tensors.put("sample0.aux", batch.aux());
            tensors.put("sample0.last", batch.teacherStates());
            SafetensorsWriter.write(folder.resolve("golden.safetensors"), tensors, Map.of());
        }
    }
}
