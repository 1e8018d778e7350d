package dev.aerie.target.family;

import dev.aerie.errors.RefusalException;
import dev.aerie.target.spec.ConfigJson;
import dev.aerie.target.spec.DecoderSpec;
import dev.aerie.target.spec.TargetConfig;
import dev.aerie.target.weights.Quantisation;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.TreeMap;

/** Reads a model folder into a {@link DecoderSpec} with the family of its model_type. */
public final class TargetFamilies {

    private TargetFamilies() {}

    public static DecoderSpec read(Path folder) {
        if (!Files.isDirectory(folder)) {
            throw new RefusalException("Missing model folder: " + folder);
        }
        ConfigJson config = ConfigJson.read(folder.resolve("config.json"));
        Map<String, TargetFamily> families = byModelType();
        TargetFamily family = families.get(config.text("model_type"));
        if (family == null) {
            throw config.invalid("model_type", "a family that there is: " + String.join(", ", families.keySet()));
        }
        DecoderSpec spec = family.read(config);
        // Weights reads it again when it opens the folder; here a method that is not implemented is refused.
        Quantisation.read(config);
        config.refuseUnread("family " + config.text("model_type"));
        return spec.with(spec.config().withEosTokenIds(eosTokenIds(folder, spec.config())));
    }

    /**
     * Returns the end-of-sequence tokens: instruct checkpoints often end turns with one that only generation_config.json names.
     */
    private static List<Integer> eosTokenIds(Path folder, TargetConfig config) {
        Path file = folder.resolve("generation_config.json");
        List<Integer> ids = Files.exists(file) ? ConfigJson.read(file).integers("eos_token_id") : List.of();
        return ids.isEmpty() ? config.eosTokenIds() : ids;
    }

    /** Returns all families, of both class loaders: the thread's context loader has the job's jars, and may not have ours. */
    private static Map<String, TargetFamily> byModelType() {
        Map<Class<?>, TargetFamily> found = new LinkedHashMap<>();
        ServiceLoader.load(TargetFamily.class).forEach(f -> found.putIfAbsent(f.getClass(), f));
        ServiceLoader.load(TargetFamily.class, TargetFamily.class.getClassLoader())
                .forEach(f -> found.putIfAbsent(f.getClass(), f));
        Map<String, TargetFamily> out = new TreeMap<>();
        for (TargetFamily family : found.values()) {
            for (String type : family.modelTypes()) {
                TargetFamily other = out.put(type, family);
                if (other != null) {
                    throw new IllegalStateException("Two families read model_type " + type + ": "
                            + other.getClass().getName() + " and " + family.getClass().getName());
                }
            }
        }
        return out;
    }
}
