package dev.aerie.train;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.aerie.draft.DraftConfig;
import dev.aerie.draft.DraftLayout;
import dev.aerie.draft.DraftParameters;
import dev.aerie.files.DamagedFileException;
import dev.aerie.files.FileDigest;
import dev.aerie.files.Folder;
import dev.aerie.safetensors.SafetensorsFile;
import dev.aerie.safetensors.SafetensorsWriter;
import dev.aerie.target.spec.ConfigJson;
import dev.aerie.text.DraftVocabulary;
import dev.aerie.torch.DType;
import dev.aerie.torch.Device;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.UUID;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The checkpoints of a training. They are whole, not per rank, so any number of ranks can resume from one. docs/training.md has
 * the format.
 *
 * <p>A checkpoint is a folder of files that counts once its marker exists; the marker is written last and atomically.
 */
final class Checkpoints {

    private static final String FOLDER = "checkpoints";
    private static final String MARKERS = FOLDER + "/_committed";
    private static final String PARAMETERS = "parameters.safetensors";
    private static final String MEAN = "exp_avg.safetensors";
    private static final String SQUARE_MEAN = "exp_avg_sq.safetensors";
    private static final String CONFIG = "config.json";
    private static final String VOCABULARY = "draft_vocabulary.json";
    private static final Pattern MARKER = Pattern.compile("step-(\\d{8,})\\.json");

    private static final JsonMapper JSON = JsonMapper.builder()
            .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
            .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
            .build();

    private final Folder output;

    Checkpoints(Folder output) {
        this.output = output;
    }

    /** The three large files of a checkpoint. */
    enum Content {
        PARAMETERS(Checkpoints.PARAMETERS), MEAN(Checkpoints.MEAN), SQUARE_MEAN(Checkpoints.SQUARE_MEAN);

        private final String file;

        Content(String file) {
            this.file = file;
        }
    }

    /** Returns the step of the newest checkpoint; 0 if there is none. */
    long latestStep() throws IOException {
        List<Long> steps = steps();
        return steps.isEmpty() ? 0 : steps.get(steps.size() - 1);
    }

    /** Reads the marker of a step's checkpoint, which must exist. */
    CheckpointInfo read(long step) throws IOException {
        String name = marker(step);
        byte[] json = output.read(name)
                .orElseThrow(() -> new InvalidCheckpointException("Missing checkpoint " + output.path(name)));
        try {
            CheckpointInfo info = JSON.readValue(json, CheckpointInfo.class);
            if (info.formatVersion() != CheckpointInfo.FORMAT_VERSION) {
                throw new InvalidCheckpointException("Invalid checkpoint " + output.path(name) + ": format_version is "
                        + info.formatVersion() + " (expected " + CheckpointInfo.FORMAT_VERSION + ")");
            }
            info.requireWhole(step, output.path(name).toString());
            return info;
        } catch (JsonProcessingException e) {
            throw new InvalidCheckpointException("Invalid checkpoint " + output.path(name) + ": "
                    + e.getOriginalMessage().lines().findFirst().orElse("") + " (expected JSON as described in docs/training.md)",
                            e);
        }
    }

    /**
     * Writes and commits a checkpoint, and deletes those beyond the number to keep. Called by one rank while the others wait.
     *
     * @param info without folder and files
     * @param claim checked before the marker is written: an attempt that has since taken over the output may have deleted the
     *     files written here
     * @param mean flat; called when it is written, because it may be fetched from the other ranks and is as large as the
     *     parameters
     * @param squareMean likewise, after {@code mean}
     */
    void commit(CheckpointInfo info, Claim claim, DraftParameters parameters, DraftVocabulary vocabulary,
            Supplier<Tensor> mean, Supplier<Tensor> squareMean, int keep) throws IOException {
        String folder = String.format(Locale.ROOT, "step-%08d-%s", info.step(), UUID.randomUUID().toString().substring(0, 8));
        Map<String, FileDigest> files;
        try {
            files = write(folder, parameters, vocabulary, mean, squareMean);
        } catch (IOException e) {
            claim.require();
            throw e;
        }
        claim.require();
        CheckpointInfo whole = new CheckpointInfo(info.formatVersion(), info.step(), info.epoch(), info.stepInEpoch(),
                info.ranks(), info.threads(), folder, files, info.recipe());
        byte[] json = JSON.writerWithDefaultPrettyPrinter().writeValueAsBytes(whole);
        // Two attempts may commit one step; both folders are complete and equal, so either may be named.
        output.write(marker(info.step()), json);
        rotate(keep);
    }

    private Map<String, FileDigest> write(String folder, DraftParameters parameters, DraftVocabulary vocabulary,
            Supplier<Tensor> mean, Supplier<Tensor> squareMean) throws IOException {
        Map<String, FileDigest> files = new LinkedHashMap<>();
        byte[] config = JSON.writerWithDefaultPrettyPrinter().writeValueAsBytes(parameters.config().toJson());
        byte[] ids = JSON.writeValueAsBytes(vocabulary);
        files.put(CONFIG, output.write(FOLDER + "/" + folder + "/" + CONFIG, config));
        files.put(VOCABULARY, output.write(FOLDER + "/" + folder + "/" + VOCABULARY, ids));
        files.put(PARAMETERS, write(folder, PARAMETERS, parameters.layout(), parameters::flat));
        files.put(MEAN, write(folder, MEAN, parameters.layout(), mean));
        files.put(SQUARE_MEAN, write(folder, SQUARE_MEAN, parameters.layout(), squareMean));
        return files;
    }

    private FileDigest write(String folder, String name, DraftLayout layout, Supplier<Tensor> source)
            throws IOException {
        try (Scope scope = Scope.open()) {
            Tensor flat = source.get();
            Map<String, Tensor> tensors = new LinkedHashMap<>();
            layout.entries().forEach(e -> tensors.put(e.name(), layout.view(flat, e.name())));
            return output.write(FOLDER + "/" + folder + "/" + name,
                    out -> SafetensorsWriter.write(out, tensors, Map.of("format", "pt")));
        }
    }

    /** Deletes all but the newest checkpoints, and folders without a marker that attempts before the newest left. */
    private void rotate(int keep) throws IOException {
        List<Long> steps = steps();
        for (long old : steps.subList(0, Math.max(0, steps.size() - keep))) {
            output.delete(marker(old));
        }
        List<String> live = new ArrayList<>();
        for (long step : steps()) {
            live.add(read(step).folder());
        }
        for (String folder : output.names(FOLDER)) {
            if (folder.startsWith("step-") && !live.contains(folder)) {
                output.delete(FOLDER + "/" + folder);
            }
        }
    }

    private List<Long> steps() throws IOException {
        return output.names(MARKERS).stream().map(MARKER::matcher).filter(Matcher::matches)
                .map(m -> Long.parseLong(m.group(1))).sorted().toList();
    }

    private static String marker(long step) {
        return String.format(Locale.ROOT, "%s/step-%08d.json", MARKERS, step);
    }

    /**
     * Reads one of a checkpoint's three large files as one flat tensor of the layout, on the CPU in the innermost scope.
     *
     * @param scratch folder on a local disk, for a copy if the checkpoint is remote
     * @throws InvalidCheckpointException if the file is damaged or missing
     */
    Tensor read(CheckpointInfo info, Content content, DraftLayout layout, Path scratch) throws IOException {
        try (LocalCopies files = new LocalCopies(info, scratch)) {
            return flat(files.get(content.file), layout);
        }
    }

    private static Tensor flat(Path file, DraftLayout layout) {
        Tensor flat = Tensor.zeros(DType.F32, Device.CPU, layout.size());
        try (SafetensorsFile tensors = SafetensorsFile.open(file); Scope scope = Scope.open()) {
            for (DraftLayout.Entry entry : layout.entries()) {
                layout.view(flat, entry.name()).copy_(tensors.tensor(entry.name()));
            }
        }
        return flat;
    }

    DraftConfig config(CheckpointInfo info) throws IOException {
        try (LocalCopies files = new LocalCopies(info)) {
            return DraftConfig.read(ConfigJson.read(files.get(CONFIG)));
        }
    }

    DraftVocabulary vocabulary(CheckpointInfo info) throws IOException {
        try (LocalCopies files = new LocalCopies(info)) {
            return JSON.readValue(files.get(VOCABULARY).toFile(), DraftVocabulary.class);
        } catch (JsonProcessingException e) {
            throw damaged(info, e);
        }
    }

    DraftParameters parameters(CheckpointInfo info, DraftConfig config, Device device) throws IOException {
        try (LocalCopies files = new LocalCopies(info); SafetensorsFile tensors = SafetensorsFile.open(files.get(PARAMETERS))) {
            return DraftParameters.load(config, tensors::tensor, device);
        }
    }

    String where(CheckpointInfo info) {
        return output.path(FOLDER + "/" + info.folder()).toString();
    }

    private InvalidCheckpointException damaged(CheckpointInfo info, IOException e) {
        return new InvalidCheckpointException("Invalid checkpoint " + where(info) + ": " + e.getMessage(), e);
    }

    /** A checkpoint's verified files on a local disk; copies are deleted on closing. */
    private final class LocalCopies implements AutoCloseable {

        private final CheckpointInfo info;
        private final Path folder;

        /** Copies to the system's temporary folder, for a command that reads a draft and no moments. */
        LocalCopies(CheckpointInfo info) throws IOException {
            this(info, Path.of(System.getProperty("java.io.tmpdir")));
        }

        LocalCopies(CheckpointInfo info, Path scratch) throws IOException {
            this.info = info;
            this.folder = Files.createTempDirectory(scratch, "aerie-checkpoint");
        }

        Path get(String name) {
            FileDigest expected = info.files().get(name);
            if (expected == null) {
                throw new InvalidCheckpointException("Invalid checkpoint " + where(info) + ": its marker lists no " + name);
            }
            try {
                return output.local(FOLDER + "/" + info.folder() + "/" + name, expected, folder);
            } catch (DamagedFileException e) {
                throw new InvalidCheckpointException(e.getMessage(), e);
            } catch (NoSuchFileException e) {
                throw new InvalidCheckpointException("Invalid checkpoint " + where(info) + ": it has no " + name
                        + " (expected what its marker lists)");
            } catch (IOException e) {
                throw damaged(info, e);
            }
        }

        @Override
        public void close() throws IOException {
            try (Stream<Path> files = Files.list(folder)) {
                for (Path file : files.toList()) {
                    Files.delete(file);
                }
            }
            Files.delete(folder);
        }
    }
}
