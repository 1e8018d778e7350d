package dev.aerie.target.weights;

import com.fasterxml.jackson.databind.JsonNode;
import dev.aerie.errors.RefusalException;
import dev.aerie.safetensors.SafetensorsFile;
import dev.aerie.target.spec.ConfigJson;
import dev.aerie.target.spec.WeightSpec;
import dev.aerie.torch.DType;
import dev.aerie.torch.Device;
import dev.aerie.torch.Tensor;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.function.Predicate;

/** The tensors of a model folder: one {@code model.safetensors}, or the files that {@code model.safetensors.index.json} lists. */
public final class Weights implements AutoCloseable {

    private static final String SINGLE = "model.safetensors";
    private static final String INDEX = "model.safetensors.index.json";
    /** A longer list would make the message useless. */
    private static final int NAMES_SHOWN = 50;

    private final Path folder;
    private final Quantisation quantisation;
    private final Map<String, Located> located = new LinkedHashMap<>();
    private final List<SafetensorsFile> files = new ArrayList<>();

    /** @param name in the file */
    private record Located(SafetensorsFile file, String name) {

        boolean isAligned() {
            return file.isAligned(name);
        }
    }

    private Weights(Path folder) {
        this.folder = folder;
        this.quantisation = Quantisation.of(folder);
    }

    /** @throws RefusalException if a file is missing or damaged, or the index and the files disagree */
    public static Weights open(Path folder) {
        Weights weights = new Weights(folder);
        try {
            if (Files.exists(folder.resolve(INDEX))) {
                weights.openIndexed();
            } else if (Files.exists(folder.resolve(SINGLE))) {
                SafetensorsFile file = weights.openFile(SINGLE);
                file.names().forEach(name -> weights.put(name, file));
            } else {
                throw new RefusalException("Missing weights: " + folder
                        + " (expected " + SINGLE + " or " + INDEX + " in it)");
            }
            return weights;
        } catch (RuntimeException e) {
            weights.close();
            throw e;
        }
    }

    private SafetensorsFile openFile(String name) {
        SafetensorsFile file = SafetensorsFile.open(folder.resolve(name));
        files.add(file);
        return file;
    }

    private void openIndexed() {
        Path index = folder.resolve(INDEX);
        JsonNode map = ConfigJson.parse(index).path("weight_map");
        if (!map.isObject() || map.isEmpty()) {
            throw new RefusalException("Invalid index: " + index + " (expected a weight_map from tensor names to files)");
        }
        Map<String, String> listed = new TreeMap<>();
        for (Map.Entry<String, JsonNode> e : map.properties()) {
            String file = e.getValue().asText();
            if (!e.getValue().isTextual() || !file.matches("[^/\\\\]+\\.safetensors")) {
                throw new RefusalException("Invalid index: " + index + " puts " + e.getKey() + " into " + e.getValue()
                        + " (expected the name of a safetensors file in the same folder)");
            }
            listed.put(e.getKey(), file);
        }
        Set<String> absent = new TreeSet<>(listed.values());
        absent.removeIf(f -> Files.exists(folder.resolve(f)));
        if (!absent.isEmpty()) {
            throw new RefusalException("Missing safetensors files: " + folder + " lacks " + listing(absent)
                    + ", which " + INDEX + " lists");
        }
        Set<String> wrong = new TreeSet<>();
        for (String name : new TreeSet<>(listed.values())) {
            SafetensorsFile file = openFile(name);
            for (String tensor : file.names()) {
                if (name.equals(listed.get(tensor))) {
                    put(tensor, file);
                } else {
                    wrong.add(tensor + " lies in " + name + " and is listed for " + listed.getOrDefault(tensor, "no file"));
                }
            }
        }
        listed.forEach((tensor, file) -> {
            if (!located.containsKey(languageModel(tensor))) {
                wrong.add(tensor + " is listed for " + file + " and does not lie in it");
            }
        });
        if (!wrong.isEmpty()) {
            throw new RefusalException("Invalid index: " + index + ": " + listing(wrong));
        }
    }

    private void put(String name, SafetensorsFile file) {
        located.put(languageModel(name), new Located(file, name));
    }

    /**
     * Returns the name that a tensor has in a stand-alone language model. Vision-language models prefix it with language_model,
     * below model in files written by transformers 5 and above it in older ones.
     */
    private static String languageModel(String name) {
        if (name.startsWith("model.language_model.")) {
            return "model." + name.substring("model.language_model.".length());
        }
        return name.startsWith("language_model.") ? name.substring("language_model.".length()) : name;
    }

    /** Returns the tensor names of the language model alone, without the prefixes of a vision-language model. */
    public Set<String> names() {
        return located.keySet();
    }

    /**
     * Compares the stored tensors with those that the configuration requires.
     *
     * @param ignored matches tensors that may be present and unused
     * @throws RefusalException naming every missing, misshapen, wrongly typed and unknown tensor
     */
    public void check(Collection<WeightSpec> expected, Predicate<String> ignored) {
        // Sets, because several expected weights may be rows of one tensor.
        Set<String> missing = new LinkedHashSet<>();
        Set<String> misshapen = new LinkedHashSet<>();
        Set<String> mistyped = new LinkedHashSet<>();
        Set<String> mistypedCodes = new LinkedHashSet<>();
        Set<String> known = new HashSet<>();
        for (Quantisation.Stored stored : expected.stream().flatMap(w -> quantisation.stored(w, this::type).stream()).toList()) {
            known.add(stored.name());
            DType type = type(stored.name());
            if (type == null) {
                missing.add(stored.name() + Arrays.toString(stored.shape()));
            } else if (!Arrays.equals(shape(stored.name()), stored.shape())) {
                misshapen.add(stored.name() + Arrays.toString(shape(stored.name()))
                        + " (expected " + Arrays.toString(stored.shape()) + ")");
            } else if (!stored.types().contains(type)) {
                if (stored.types() == Quantisation.FLOATING) {
                    mistyped.add(stored.name() + " " + type.safetensorsName());
                } else {
                    mistypedCodes.add(stored.name() + " " + type.safetensorsName() + " (expected "
                            + String.join(" or ", stored.types().stream().map(DType::safetensorsName).toList()) + ")");
                }
            }
        }
        List<String> extra = located.keySet().stream().filter(n -> !known.contains(n) && !ignored.test(n)).sorted().toList();
        List<String> problems = new ArrayList<>();
        report(problems, "missing", missing);
        report(problems, "misshapen", misshapen);
        report(problems, "of a type that is not float32, float16 or bfloat16", mistyped);
        report(problems, "of another type than this quantisation has", mistypedCodes);
        report(problems, "unknown to this model family", extra);
        if (!problems.isEmpty()) {
            throw new RefusalException("Invalid weights: " + folder + ": " + String.join("; ", problems));
        }
    }

    private static void report(List<String> problems, String what, Collection<String> names) {
        if (!names.isEmpty()) {
            problems.add(names.size() + " tensor" + (names.size() == 1 ? "" : "s") + " " + what + ": " + listing(names));
        }
    }

    private static String listing(Collection<String> names) {
        String shown = String.join(", ", names.stream().limit(NAMES_SHOWN).toList());
        return names.size() > NAMES_SHOWN ? shown + " and " + (names.size() - NAMES_SHOWN) + " more" : shown;
    }

    /**
     * Returns a tensor in the innermost scope: mapped if it is stored in this type and the device is the CPU, else a copy;
     * dequantised if it is quantised.
     *
     * @throws RefusalException if there is no tensor of this name and shape
     */
    public Tensor read(WeightSpec spec, DType dtype, Device device) {
        return read(spec, this::stored, dtype, device);
    }

    /**
     * Returns the same tensor as {@link #read(WeightSpec, DType, Device)}, from stored tensors that are loaded already.
     *
     * @param stored returns a stored tensor by its name
     */
    public Tensor read(WeightSpec spec, Function<String, Tensor> stored, DType dtype, Device device) {
        storedNames(spec);
        return quantisation.read(spec, this::type, stored, dtype, device);
    }

    /** Returns the names of the tensors that a weight is read from: one of the same name, or codes and scales. */
    public List<String> storedNames(WeightSpec spec) {
        List<Quantisation.Stored> all = quantisation.stored(spec, this::type);
        for (Quantisation.Stored stored : all) {
            if (type(stored.name()) == null) {
                throw new RefusalException("Missing tensor: " + stored.name() + Arrays.toString(stored.shape())
                        + " in " + folder);
            }
            long[] shape = shape(stored.name());
            if (!Arrays.equals(shape, stored.shape())) {
                throw new RefusalException("Invalid tensor: " + stored.name() + Arrays.toString(shape) + " in " + folder
                        + " (expected " + Arrays.toString(stored.shape()) + ")");
            }
        }
        return all.stream().map(Quantisation.Stored::name).toList();
    }

    /** Returns a stored tensor in the innermost scope, on the CPU, mapped if its alignment allows. */
    public Tensor stored(String name) {
        Located stored = located.get(name);
        return stored.file().tensor(stored.name());
    }

    /** Returns whether a weight is stored unquantised, so that it needs at most a conversion. */
    public boolean isPlain(WeightSpec spec) {
        DType type = type(spec.name());
        return storedNames(spec).equals(List.of(spec.name())) && type != null && Quantisation.FLOATING.contains(type);
    }

    /** Returns whether reading a weight in this type on the CPU gives the mapped file itself. */
    public boolean isMapped(WeightSpec spec, DType dtype) {
        return isPlain(spec) && type(spec.name()) == dtype && located.get(spec.name()).isAligned();
    }

    /** Returns the bytes of a stored tensor. */
    public long storedBytes(String name) {
        return StagingBuffer.bytes(type(name), shape(name));
    }

    /** Returns the type of a stored tensor; null if there is none of this name. */
    private DType type(String name) {
        Located stored = located.get(name);
        return stored == null ? null : stored.file().dtype(stored.name());
    }

    private long[] shape(String name) {
        Located stored = located.get(name);
        return stored.file().shape(stored.name());
    }

    /** @throws RefusalException if a file has become shorter or longer since it was opened */
    public void requireWhole() {
        files.forEach(SafetensorsFile::requireWhole);
    }

    @Override
    public void close() {
        files.forEach(SafetensorsFile::close);
    }
}
