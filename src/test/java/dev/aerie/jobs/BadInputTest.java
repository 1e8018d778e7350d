package dev.aerie.jobs;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.aerie.draft.DraftConfig;
import dev.aerie.draft.DraftExport;
import dev.aerie.draft.DraftFolder;
import dev.aerie.draft.DraftParameters;
import dev.aerie.target.Target;
import dev.aerie.target.spec.Rope;
import dev.aerie.target.spec.TargetConfig;
import dev.aerie.testing.TinyProject;
import dev.aerie.text.DraftVocabulary;
import dev.aerie.torch.Device;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a user can get wrong ends in one sentence and exit code 2, through the mains and before Spark starts. */
class BadInputTest {

    @TempDir
    Path folder;

    private TinyProject project;

    @BeforeEach
    void make() throws IOException {
        project = TinyProject.in(folder);
    }

    @Test
    void recipes() throws IOException {
        refuses("Unknown recipe key train.epoch (did you mean train.epochs?)", new PrepareHiddenStates(),
                "--set", "train.epoch=2");
        refuses("Invalid recipe key train.epochs: \"two\"", new TrainEagle3(), "--set", "train.epochs=two");
        refuses("only one of it and train.batch_conversations", new TrainEagle3(), "--set", "train.global_batch_tokens=100");
        refuses("Invalid recipe key target.model", new PrepareHiddenStates(), "--set", "target.model=");
        Path recipe = project.recipe();
        Files.writeString(recipe, Files.readString(recipe).replaceFirst("store: \\{path: [^,]*,", "store: {"));
        refuses("Missing recipe key store.path", new PrepareHiddenStates());
    }

    @Test
    void places() {
        String file = project.recipe().toString();
        refuses("Invalid recipe key store.path: \"" + file + "\" (expected a folder that can be written to",
                new PrepareHiddenStates(), "--set", "store.path=" + file);
        refuses("Invalid recipe key store.path: \"" + file + "/store\"",
                new PrepareHiddenStates(), "--set", "store.path=" + file + "/store");
        refuses("Invalid recipe key target.model: \"nowhere://x/y\": No FileSystem for scheme",
                new PrepareHiddenStates(), "--set", "target.model=nowhere://x/y");
        refuses("Invalid recipe key data.inputs[0].path: \"nowhere://x/y\"",
                new PrepareHiddenStates(), "--set", "data.inputs=[{path: 'nowhere://x/y'}]");
        refuses("Invalid recipe key train.output: \"nowhere://x/y\"", new TrainEagle3(), "--set", "train.output=nowhere://x/y");
    }

    @Test
    void outputsThatCoincideWithOthers() throws IOException {
        String model = project.model().toString();
        String store = project.folder().resolve("store").toString();
        byte[] weights = Files.readAllBytes(project.model().resolve("model.safetensors"));
        refuses("Invalid recipe key export.output: \"" + model
                + "\" (expected a folder of its own: it is the place of target.model",
                new Export(), "--set", "export.output=" + model);
        assertArrayEquals(weights, Files.readAllBytes(project.model().resolve("model.safetensors")));
        refuses("Invalid recipe key train.output: \"" + store + "\"", new TrainEagle3(), "--set", "train.output=" + store);
        refuses("store.path", new PrepareHiddenStates(), "--set", "store.path=" + project.folder());
        refuses("evaluate.output", new EvaluateEagle3(), "--set", "evaluate.output=" + store + "/report");
    }

    @Test
    void aDefaultThatDoesNotFitIsNotTheUsers() throws IOException {
        Path config = project.model().resolve("config.json");
        Files.writeString(config, Files.readString(config).replace("\"num_hidden_layers\":8", "\"num_hidden_layers\":4"));
        Refusal.of(new Aerie(), List.of("plan", "--config", project.recipe().toString()))
                .assertSays("Missing target.capture_layers (expected layers from 0 to 3, low to high: the default");
    }

    @Test
    void layersThatCannotBeCaptured() {
        for (String layers : List.of("[]", "[8]", "[1, 1, 4]", "[4, 3, 1]", "[1, 3, 99]")) {
            refuses("Invalid recipe key target.capture_layers: " + layers + " (expected layers from 0 to 7, from low to high)",
                    new PrepareHiddenStates(), "--set", "target.capture_layers=" + layers);
        }
    }

    @Test
    void weights() throws IOException {
        Path file = project.model().resolve("model.safetensors");
        byte[] whole = Files.readAllBytes(file);
        List<Callable<Integer>> jobs = List.of(new PrepareHiddenStates(), new TrainEagle3(), new EvaluateEagle3());
        for (Callable<Integer> job : jobs) {
            Files.write(file, Arrays.copyOf(whole, whole.length - 100));
            refuses("model.safetensors", job);
        }
        byte[] header = whole.clone();
        header[7] = 1;
        Files.write(file, header);
        refuses("model.safetensors", new PrepareHiddenStates());
        String text = new String(whole, StandardCharsets.ISO_8859_1);
        Files.write(file, text.replaceFirst("\"F32\"", "\"F33\"").getBytes(StandardCharsets.ISO_8859_1));
        refuses("F33", new PrepareHiddenStates());
        Files.delete(file);
        refuses("Missing weights: ", new PrepareHiddenStates());
    }

    @Test
    void familiesAndTokenizers() throws IOException {
        Path config = project.model().resolve("config.json");
        String json = Files.readString(config);
        Files.writeString(config, json.replace("\"llama\"", "\"gemma9\""));
        refuses("expected a family that there is: ", new PrepareHiddenStates());
        Files.writeString(config, json);
        Path tokenizer = project.model().resolve("tokenizer.json");
        Files.writeString(tokenizer, Files.readString(tokenizer).replace("\"id\":257", "\"id\":900"));
        refuses("embedding", new PrepareHiddenStates());
        Files.delete(tokenizer);
        refuses("tokenizer.json", new PrepareHiddenStates());
    }

    @Test
    void templates() throws IOException {
        Path file = project.model().resolve("tokenizer_config.json");
        String json = Files.readString(file);
        Files.writeString(file,
                json.replace("{% for m in messages %}", "{{ raise_exception('no talking here') }}{% for m in messages %}"));
        refuses("no talking here", new PrepareHiddenStates());
        Files.writeString(file, json.replace("{% for m in messages %}", "{% for m in %}"));
        refuses("chat template", new PrepareHiddenStates());
    }

    @Test
    void exportWithoutATrainingAndEvaluationWithoutADraft() {
        refuses("Missing checkpoint", new Export());
        refuses("Missing draft: " + project.folder().resolve("draft") + " has no config.json", new EvaluateEagle3());
    }

    @Test
    void draftsOfOthers() throws IOException {
        Path draft = Files.createDirectories(project.folder().resolve("draft"));
        TargetConfig target = Target.config(project.model());
        DraftConfig config = draft(target, List.of(0, 1, 1));
        Files.write(draft.resolve(DraftExport.CONFIG), DraftExport.config(config));
        Files.write(draft.resolve(DraftExport.WEIGHTS), "\2\0\0\0\0\0\0\0{}".getBytes(StandardCharsets.ISO_8859_1));
        refuses("fc.weight[" + target.hiddenSize() + ", " + 3 * target.hiddenSize() + "] is missing", new EvaluateEagle3());
        Files.delete(draft.resolve(DraftExport.WEIGHTS));
        refuses("Missing safetensors file", new EvaluateEagle3());
        DraftConfig deep = draft(target, List.of(0, 1, 99));
        Files.write(draft.resolve(DraftExport.CONFIG), DraftExport.config(deep));
        try (DraftParameters parameters = DraftParameters.random(deep, 1, Device.CPU)) {
            DraftFolder.write(parameters, new DraftVocabulary(target.vocabSize(), IntStream.range(0, 50).toArray()), draft);
        }
        refuses("reads the layers [0, 1, 99] of its target (expected layers from 0 to ", new EvaluateEagle3());
    }

    private static DraftConfig draft(TargetConfig target, List<Integer> layers) {
        return new DraftConfig(target.hiddenSize(), 16, 2, 1, 8, target.hiddenSize(), target.vocabSize(), 50, 1e-5, 64,
                new Rope.Default(10_000), layers, null, List.of(), null);
    }

    private void refuses(String part, Callable<Integer> command, String... more) {
        List<String> arguments = new ArrayList<>(List.of("--config", project.recipe().toString()));
        arguments.addAll(List.of(more));
        Refusal.of(command, arguments).assertSays(part);
    }
}
