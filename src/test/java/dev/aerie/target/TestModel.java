package dev.aerie.target;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.aerie.safetensors.SafetensorsFile;
import dev.aerie.safetensors.SafetensorsWriter;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Consumer;

/** The small model that the repository carries, and copies of it with something changed. */
final class TestModel {

    /** llama, 2 layers, hidden 64, 320 tokens, bfloat16. */
    static final Path FOLDER = Path.of("src", "test", "resources", "dev", "aerie", "target", "llama3-two-layers");

    private static final ObjectMapper JSON = new ObjectMapper();

    private TestModel() {}

    static ObjectNode config() throws IOException {
        return (ObjectNode) JSON.readTree(FOLDER.resolve("config.json").toFile());
    }

    /** A copy in the given empty folder, its configuration and tensors changed. */
    static Path changed(Path folder, Consumer<ObjectNode> config, Consumer<Map<String, Tensor>> weights) throws IOException {
        ObjectNode json = config();
        config.accept(json);
        JSON.writeValue(folder.resolve("config.json").toFile(), json);
        try (SafetensorsFile file = SafetensorsFile.open(FOLDER.resolve("model.safetensors")); Scope scope = Scope.open()) {
            Map<String, Tensor> tensors = new HashMap<>();
            file.names().forEach(name -> tensors.put(name, file.tensor(name)));
            weights.accept(tensors);
            SafetensorsWriter.write(folder.resolve("model.safetensors"), tensors, Map.of());
        }
        return folder;
    }

    static Path withGenerationConfig(Path folder, String json) throws IOException {
        Files.writeString(folder.resolve("generation_config.json"), json);
        return folder;
    }
}
