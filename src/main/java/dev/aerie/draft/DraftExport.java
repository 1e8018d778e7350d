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
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Reads and writes a draft as SGLang and vLLM load it: {@code config.json} and {@code model.safetensors}, with the tensor names
 * of SpecForge's export ({@code --to sglang}), in bfloat16. The embedding is the target's and is not written.
 */
public final class DraftExport {

    public static final String CONFIG = "config.json";
    public static final String WEIGHTS = "model.safetensors";
    private static final String D2T = "d2t";
    private static final String T2D = "t2d";
    /** Types that a draft's parameters may be stored in; they are converted to float32 when read. */
    private static final Set<DType> PARAMETER_TYPES = Set.of(DType.F32, DType.BF16, DType.F16);
    /** Largest number of problems in one message. */
    private static final int LISTED = 8;

    /** A tensor of the file. */
    record Spec(String name, DType dtype, List<Long> shape) {}

    /** A draft that was read; closing it closes its parameters. */
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

    /**
     * Returns the tensors of an exported draft of this shape. A draft that can propose all tokens of its target uses the target's
     * ids, so {@code d2t} and {@code t2d} are left out: vLLM expects them only if {@code draft_vocab_size} is less than {@code
     * vocab_size} and refuses them otherwise.
     */
    static List<Spec> tensors(DraftConfig config) {
        List<Spec> specs = new ArrayList<>(parameters(config));
        if (config.draftVocabSize() < config.vocabSize()) {
            specs.add(new Spec(D2T, DType.I64, List.of((long) config.draftVocabSize())));
            specs.add(new Spec(T2D, DType.BOOL, List.of((long) config.vocabSize())));
        }
        return specs;
    }

    private static List<Spec> parameters(DraftConfig config) {
        return new DraftLayout(config).entries().stream()
                .map(entry -> new Spec(entry.name(), DType.BF16, Arrays.stream(entry.shape()).boxed().toList()))
                .toList();
    }

    /** Writes model.safetensors to a stream and leaves the stream open. */
    public static void writeWeights(DraftParameters parameters, DraftVocabulary vocabulary, OutputStream out) throws IOException {
        try (Scope scope = Scope.open()) {
            SafetensorsWriter.write(out, weights(parameters, vocabulary), Map.of("format", "pt"));
        }
    }

    /** Returns the bytes of config.json. */
    public static byte[] config(DraftConfig config) {
        try {
            return (new ObjectMapper().writerWithDefaultPrettyPrinter().writeValueAsString(config.toJson()) + "\n")
                    .getBytes(StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Checks the configuration of an exported draft and the headers of its weights: the names, shapes and types of all tensors.
     * No tensor is read.
     *
     * @return its configuration
     * @throws RefusalException naming every tensor that is missing, unknown, or of another shape or type than expected
     */
    public static DraftConfig check(Path folder) {
        DraftConfig config = DraftConfig.read(ConfigJson.read(folder.resolve(CONFIG)));
        try (SafetensorsFile file = SafetensorsFile.open(folder.resolve(WEIGHTS))) {
            check(config, file);
        }
        return config;
    }

    /**
     * Reads an exported draft, of Aerie or of SpecForge; an embedding in it is not read.
     *
     * @throws RefusalException if a file is missing or damaged, or is not that of a draft
     */
    public static Draft read(Path folder, Device device) {
        DraftConfig config = DraftConfig.read(ConfigJson.read(folder.resolve(CONFIG)));
        try (SafetensorsFile file = SafetensorsFile.open(folder.resolve(WEIGHTS)); Scope scope = Scope.open()) {
            check(config, file);
            DraftVocabulary vocabulary = vocabulary(config, file);
            return new Draft(DraftParameters.load(config, file::tensor, device), vocabulary);
        }
    }

    private static void check(DraftConfig config, SafetensorsFile file) {
        List<String> problems = new ArrayList<>();
        for (Spec spec : parameters(config)) {
            if (file.contains(spec.name())) {
                problems.addAll(check(file, spec, PARAMETER_TYPES));
            } else {
                problems.add(spec.name() + spec.shape() + " is missing");
            }
        }
        Spec d2t = new Spec(D2T, DType.I64, List.of((long) config.draftVocabSize()));
        if (file.contains(D2T)) {
            problems.addAll(check(file, d2t, Set.of(DType.I64)));
        } else if (config.draftVocabSize() < config.vocabSize()) {
            problems.add(d2t.name() + d2t.shape() + " is missing (a draft without it proposes all " + config.vocabSize()
                    + " tokens of the target)");
        }
        if (file.contains(T2D)) {
            problems.addAll(check(file, new Spec(T2D, DType.BOOL, List.of((long) config.vocabSize())), Set.of(DType.BOOL)));
        }
        Set<String> known = Stream.concat(parameters(config).stream().map(Spec::name), Stream.of(D2T, T2D))
                .collect(Collectors.toSet());
        file.names().stream().filter(name -> !known.contains(name) && !name.contains("embed"))
                .forEach(name -> problems.add(name + " is not a tensor of an EAGLE-3 draft"));
        if (!problems.isEmpty()) {
            int more = problems.size() - LISTED;
            throw new RefusalException("Invalid draft: " + file + ": "
                    + String.join("; ", problems.subList(0, Math.min(LISTED, problems.size())))
                    + (more > 0 ? "; and " + more + " more" : ""));
        }
    }

    private static List<String> check(SafetensorsFile file, Spec spec, Set<DType> types) {
        List<String> problems = new ArrayList<>();
        List<Long> shape = Arrays.stream(file.shape(spec.name())).boxed().toList();
        if (!shape.equals(spec.shape())) {
            problems.add(spec.name() + " has shape " + shape + " (expected " + spec.shape() + ")");
        }
        DType type = file.dtype(spec.name());
        if (!types.contains(type)) {
            problems.add(spec.name() + " has type " + type.safetensorsName() + " (expected "
                    + types.stream().map(DType::safetensorsName).sorted().collect(Collectors.joining(" or ")) + ")");
        }
        return problems;
    }

    /**
     * Reads the draft vocabulary. Without {@code d2t} the draft uses the target's ids; {@code t2d} is optional, because it
     * follows from d2t.
     */
    private static DraftVocabulary vocabulary(DraftConfig config, SafetensorsFile file) {
        long[] d2t = file.contains(D2T) ? file.tensor(D2T).toLongs() : new long[config.draftVocabSize()];
        int[] ids = new int[d2t.length];
        boolean[] proposed = new boolean[config.vocabSize()];
        for (int i = 0; i < ids.length; i++) {
            long id = i + d2t[i];
            if (id < 0 || id >= config.vocabSize()) {
                throw new RefusalException("Invalid draft: d2t of " + file + " gives draft token " + i + " the target's id " + id
                        + " (expected 0 to " + (config.vocabSize() - 1) + ")");
            }
            ids[i] = (int) id;
            proposed[ids[i]] = true;
        }
        if (file.contains(T2D)) {
            long[] t2d = file.tensor(T2D).toLongs();
            for (int id = 0; id < t2d.length; id++) {
                if (t2d[id] != 0 != proposed[id]) {
                    throw new RefusalException("Invalid draft: d2t and t2d of " + file + " disagree about token " + id
                            + " (expected the same " + config.draftVocabSize() + " tokens of " + config.vocabSize()
                                    + " in both)");
                }
            }
        }
        return new DraftVocabulary(config.vocabSize(), ids);
    }

    private static Map<String, Tensor> weights(DraftParameters parameters, DraftVocabulary vocabulary) {
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        for (String name : parameters.names()) {
            tensors.put(name, parameters.get(name).to(DType.BF16));
        }
        if (vocabulary.size() < vocabulary.targetSize()) {
            tensors.put(D2T, Tensor.of(vocabulary.d2t(), vocabulary.size()));
            tensors.put(T2D, Tensor.of(vocabulary.t2d(), vocabulary.targetSize()));
        }
        return tensors;
    }
}
