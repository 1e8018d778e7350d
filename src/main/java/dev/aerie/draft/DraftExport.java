package dev.aerie.draft;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.aerie.errors.RefusalException;
import dev.aerie.safetensors.SafetensorsFile;
import dev.aerie.safetensors.SafetensorsWriter;
import dev.aerie.target.spec.ConfigJson;
import dev.aerie.text.DraftVocabulary;
import dev.aerie.torch.DType;
import dev.aerie.torch.Device;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * A draft as SGLang and vLLM load it: {@code config.json} and {@code model.safetensors}, tensors by the names of SpecForge's
 * export ({@code --to sglang}), in bfloat16; the embedding is the target's and left out.
 */
public final class DraftExport {

    public static final String CONFIG = "config.json";
    public static final String WEIGHTS = "model.safetensors";
    private static final String D2T = "d2t";
    private static final String T2D = "t2d";

    /** One tensor of the file. */
    public record Spec(String name, DType dtype, List<Long> shape) {}

    /** A draft read back; whoever holds it closes its parameters. */
    public record Draft(DraftParameters parameters, DraftVocabulary vocabulary) implements AutoCloseable {

        public DraftConfig config() {
            return parameters.config();
        }

        @Override
        public void close() {
            parameters.close();
        }
    }

    private DraftExport() {}

    /** What the weights of a draft of this shape consist of. */
    public static List<Spec> tensors(DraftConfig config) {
        List<Spec> specs = new ArrayList<>();
        for (DraftLayout.Entry entry : new DraftLayout(config).entries()) {
            specs.add(new Spec(entry.name(), DType.BF16, Arrays.stream(entry.shape()).boxed().toList()));
        }
        specs.add(new Spec(D2T, DType.I64, List.of((long) config.draftVocabSize())));
        specs.add(new Spec(T2D, DType.BOOL, List.of((long) config.vocabSize())));
        return specs;
    }

    /** Writes both files into a folder that is there. */
    public static void write(DraftParameters parameters, DraftVocabulary vocabulary, Path folder) throws IOException {
        try (Scope scope = Scope.open()) {
            SafetensorsWriter.write(folder.resolve(WEIGHTS), weights(parameters, vocabulary), Map.of("format", "pt"));
        }
        Files.write(folder.resolve(CONFIG), config(parameters.config()));
    }

    /** Writes the weights alone, such as to a Hadoop file system; leaves the stream open. */
    public static void writeWeights(DraftParameters parameters, DraftVocabulary vocabulary, OutputStream out) throws IOException {
        try (Scope scope = Scope.open()) {
            SafetensorsWriter.write(out, weights(parameters, vocabulary), Map.of("format", "pt"));
        }
    }

    /** The bytes of config.json. */
    public static byte[] config(DraftConfig config) {
        try {
            return (new ObjectMapper().writerWithDefaultPrettyPrinter().writeValueAsString(config.toJson()) + "\n")
                    .getBytes(StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Reads an exported draft, ours or SpecForge's; an embedding in it is not read.
     *
     * @throws RefusalException if a file is missing or damaged, or says something else than a draft
     */
    public static Draft read(Path folder, Device device) {
        DraftConfig config = DraftConfig.read(ConfigJson.read(folder.resolve(CONFIG)));
        Path weights = folder.resolve(WEIGHTS);
        try (SafetensorsFile file = SafetensorsFile.open(weights); Scope scope = Scope.open()) {
            Set<String> known = tensors(config).stream().map(Spec::name).collect(Collectors.toSet());
            for (String name : file.names()) {
                if (!known.contains(name) && !name.contains("embed")) {
                    throw new RefusalException("Invalid draft: " + weights + " has a tensor " + name
                            + " (expected only those of an EAGLE-3 draft)");
                }
            }
            DraftVocabulary vocabulary = vocabulary(config, weights, file.tensor(D2T).toLongs(), file.tensor(T2D).toLongs());
            return new Draft(DraftParameters.load(config, file::tensor, device), vocabulary);
        }
    }

    private static DraftVocabulary vocabulary(DraftConfig config, Path file, long[] d2t, long[] t2d) {
        int[] ids = new int[d2t.length];
        boolean agree = d2t.length == config.draftVocabSize() && t2d.length == config.vocabSize();
        for (int i = 0; agree && i < ids.length; i++) {
            long id = i + d2t[i];
            agree = id >= 0 && id < t2d.length && t2d[(int) id] != 0;
            ids[i] = (int) id;
        }
        if (!agree || Arrays.stream(t2d).sum() != ids.length) {
            throw new RefusalException("Invalid draft: d2t and t2d of " + file + " disagree (expected "
                    + config.draftVocabSize() + " tokens of " + config.vocabSize() + ", the same in both)");
        }
        return new DraftVocabulary(config.vocabSize(), ids);
    }

    private static Map<String, Tensor> weights(DraftParameters parameters, DraftVocabulary vocabulary) {
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        for (String name : parameters.names()) {
            tensors.put(name, parameters.get(name).to(DType.BF16));
        }
        tensors.put(D2T, Tensor.of(vocabulary.d2t(), vocabulary.size()));
        tensors.put(T2D, Tensor.of(vocabulary.t2d(), vocabulary.targetSize()));
        return tensors;
    }
}
