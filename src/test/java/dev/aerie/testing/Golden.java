package dev.aerie.testing;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.aerie.safetensors.SafetensorsFile;
import dev.aerie.safetensors.SafetensorsWriter;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;
import dev.aerie.files.Sha256;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * The goldens that the repository carries ({@code src/test/golden/README.md}): figures by others' code for models whose weights
 * are drawn from a seed. A golden is made whole, its weights with it, in a folder under {@code target}, once for each state of
 * its resources; tests read it and never change it.
 */
public final class Golden {

    private static final Path RESOURCES = Path.of("src", "test", "resources", "golden");
    private static final Path MADE = Path.of("target", "golden");
    private static final String FIGURES = "golden.safetensors";
    private static final ObjectMapper JSON = new ObjectMapper();

    private Golden() {}

    /** A model folder in Hugging Face layout, with {@code golden.safetensors}: the layers' states and the logits. */
    public static Path target(String family) {
        return folder("targets", family, Golden::makeTarget);
    }

    /** A draft with its samples: {@code golden.json} and {@code golden.safetensors}. */
    public static Path training(String name) {
        return folder("training", name, Golden::makeTraining);
    }

    /** Prompts and what the target of this name continues them with, greedily. */
    public static JsonNode decode(String family) throws IOException {
        return JSON.readTree(RESOURCES.resolve("decode").resolve(family + ".json").toFile());
    }

    private interface Maker {
        void make(Path resources, Path folder) throws IOException;
    }

    private static synchronized Path folder(String kind, String name, Maker maker) {
        Path resources = RESOURCES.resolve(kind).resolve(name);
        try {
            Path folder = MADE.resolve(kind).resolve(name + "-" + fingerprint(resources)).toAbsolutePath();
            if (!Files.isDirectory(folder)) {
                Files.createDirectories(folder.getParent());
                Path unfinished = Files.createTempDirectory(folder.getParent(), "." + name);
                maker.make(resources, unfinished);
                take(unfinished, folder);
            }
            return folder;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Another process of the tests may make the same at the same time; what it made is as good. */
    private static void take(Path unfinished, Path folder) throws IOException {
        try {
            Files.move(unfinished, folder, StandardCopyOption.ATOMIC_MOVE);
        } catch (FileAlreadyExistsException | DirectoryNotEmptyException e) {
            try (Stream<Path> files = Files.list(unfinished)) {
                for (Path file : files.toList()) {
                    Files.delete(file);
                }
            }
            Files.delete(unfinished);
        }
    }

    private static String fingerprint(Path resources) throws IOException {
        Sha256 sha = new Sha256();
        for (Path file : files(resources)) {
            sha.add(file.getFileName().toString()).add(Files.readAllBytes(file));
        }
        return sha.hex().substring(0, 12);
    }

    private static List<Path> files(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.sorted().toList();
        }
    }

    private static void makeTarget(Path resources, Path folder) throws IOException {
        JsonNode manifest = JSON.readTree(resources.resolve("weights.json").toFile());
        for (Path file : files(resources)) {
            if (!file.endsWith("weights.json")) {
                Files.copy(file, folder.resolve(file.getFileName()));
            }
        }
        Path figures = resources.resolveSibling(manifest.path("figures").asText(".")).resolve(FIGURES);
        if (Files.exists(figures) && !Files.exists(folder.resolve(FIGURES))) {
            Files.copy(figures, folder.resolve(FIGURES));
        }
        Drawn drawn = new Drawn(manifest.path("seed").longValue());
        ObjectNode index = JSON.createObjectNode();
        ObjectNode weightMap = index.putObject("weight_map");
        for (Map.Entry<String, JsonNode> file : manifest.path("files").properties()) {
            try (Scope scope = Scope.open()) {
                Map<String, Tensor> tensors = draw(drawn, file.getValue());
                tensors.keySet().forEach(name -> weightMap.put(name, file.getKey()));
                SafetensorsWriter.write(folder.resolve(file.getKey()), tensors, Map.of("format", "pt"));
            }
        }
        if (manifest.path("files").size() > 1) {
            JSON.writeValue(folder.resolve("model.safetensors.index.json").toFile(), index);
        }
    }

    private static void makeTraining(Path resources, Path folder) throws IOException {
        JsonNode manifest = JSON.readTree(resources.resolve("drawn.json").toFile());
        Files.copy(resources.resolve("golden.json"), folder.resolve("golden.json"));
        try (SafetensorsFile figures = SafetensorsFile.open(resources.resolve(FIGURES)); Scope scope = Scope.open()) {
            Map<String, Tensor> tensors = draw(new Drawn(manifest.path("seed").longValue()), manifest.path("tensors"));
            figures.names().forEach(name -> tensors.put(name, figures.tensor(name)));
            SafetensorsWriter.write(folder.resolve(FIGURES), tensors, Map.of());
        }
    }

    private static Map<String, Tensor> draw(Drawn drawn, JsonNode entries) {
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        entries.properties().forEach(e -> tensors.put(e.getKey(), drawn.tensor(e.getKey(), e.getValue())));
        return tensors;
    }
}
