package dev.aerie.host;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;

/**
 * Selects the files of a model's folder that are read: repositories often contain the same weights a second time in another form.
 */
public final class ModelFiles {

    static final String CONFIG = "config.json";
    static final String INDEX = "model.safetensors.index.json";
    private static final String SINGLE = "model.safetensors";
    private static final Set<String> SMALL = Set.of(CONFIG, "generation_config.json", "tokenizer.json", "tokenizer_config.json",
            "special_tokens_map.json", "chat_template.jinja", INDEX);

    /** Templates of a model for other uses, such as tools, beside chat_template.jinja. */
    static final String TEMPLATES = "additional_chat_templates";

    private ModelFiles() {}

    /** Returns the name of a model's file within its folder. */
    static String nameOf(org.apache.hadoop.fs.Path file) {
        boolean template = file.getParent() != null && file.getParent().getName().equals(TEMPLATES);
        return template ? TEMPLATES + "/" + file.getName() : file.getName();
    }

    /** Returns whether a file may be one of the model's, by its name alone. */
    static boolean isCandidate(String name) {
        return SMALL.contains(name) || name.endsWith(".safetensors") || isTemplate(name);
    }

    private static boolean isTemplate(String name) {
        return name.startsWith(TEMPLATES + "/") && name.endsWith(".jinja");
    }

    /** Returns the files to copy; a file that the index lists and the folder lacks is reported when the model is loaded. */
    static List<String> needed(Set<String> present, byte[] index) throws IOException {
        Set<String> weights = index == null ? Set.of(SINGLE) : listed(index);
        return present.stream().filter(f -> SMALL.contains(f) || isTemplate(f) || weights.contains(f)).sorted().toList();
    }

    /** Returns the weights of a local folder that a target is loaded from, by name; none where it has none. */
    public static List<Path> weights(Path folder) throws IOException {
        Set<String> present = new TreeSet<>();
        try (Stream<Path> files = Files.list(folder)) {
            files.forEach(f -> present.add(f.getFileName().toString()));
        }
        byte[] index = present.contains(INDEX) ? Files.readAllBytes(folder.resolve(INDEX)) : null;
        return needed(present, index).stream().filter(f -> !SMALL.contains(f)).map(folder::resolve).toList();
    }

    /** Returns every name of the index; of a damaged one none, which loading refuses with a message of its own. */
    private static Set<String> listed(byte[] index) throws IOException {
        Set<String> names = new TreeSet<>();
        JsonNode json;
        try {
            json = new ObjectMapper().readTree(index);
        } catch (com.fasterxml.jackson.core.JsonProcessingException damaged) {
            return names;
        }
        json.path("weight_map").properties().forEach(e -> names.add(e.getValue().asText()));
        return names;
    }
}
