package dev.aerie.target;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.aerie.target.family.TargetFamilies;
import dev.aerie.target.weights.Weights;
import dev.aerie.torch.DType;
import dev.aerie.torch.Device;
import dev.aerie.torch.Scope;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A target that cannot be loaded to its end gives back what it had loaded. */
class FailedLoadTest {

    private static final Path MODEL = Path.of("src", "test", "resources", "dev", "aerie", "target", "llama3-two-layers");

    @TempDir
    Path folder;

    /** Loads the model's weights by another configuration, so that some layer or one of the ends is not there. */
    private void failsWith(String key, int value) throws IOException {
        ObjectMapper json = new ObjectMapper();
        ObjectNode config = (ObjectNode) json.readTree(MODEL.resolve("config.json").toFile());
        assertTrue(config.path(key).asInt() != value);
        Files.write(folder.resolve("config.json"), json.writeValueAsBytes(config.put(key, value)));
        for (DType dtype : new DType[] {DType.F32, DType.BF16}) {
            long before = Scope.liveTensors();
            Weights weights = Weights.open(MODEL);
            try {
                assertThrows(RuntimeException.class,
                        () -> Target.open(TargetFamilies.read(folder), weights, dtype, Device.CPU, false));
            } finally {
                weights.close();
            }
            assertEquals(before, Scope.liveTensors(), key + " in " + dtype);
        }
    }

    @Test
    void whereALayerIsMissing() throws IOException {
        failsWith("num_hidden_layers", 3);
    }

    @Test
    void whereTheEmbeddingDoesNotFit() throws IOException {
        failsWith("vocab_size", 500);
    }

    @Test
    void whereTheFirstTensorDoesNotFit() throws IOException {
        failsWith("hidden_size", 128);
    }
}
