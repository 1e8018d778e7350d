package dev.aerie.jobs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.aerie.host.CountedFileSystem;
import dev.aerie.testing.LocalCluster;
import dev.aerie.testing.TinyProject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Conversations in, a measured draft out, on two executor JVMs with a pretend GPU each. */
@Timeout(600)
class PipelineIT {

    @TempDir
    Path folder;

    @Test
    void runsThroughTheMainsOnALocalCluster() throws IOException {
        TinyProject project = TinyProject.in(folder);
        main(new PrepareHiddenStates(), project);
        Path manifest = folder.resolve("store").resolve("_manifest.json");
        byte[] first = Files.readAllBytes(manifest);
        // A second run in the same JVM finds everything done.
        main(new PrepareHiddenStates(), project);
        assertEquals(new String(first), Files.readString(manifest));
        assertEquals(0, CommandLines.run(new Aerie(), "verify-store", folder.resolve("store").toString()));
        main(new TrainEagle3(), project, "--set", "train.ranks=2");
        assertEquals(0, CommandLines.run(new Aerie(), "export", "--config", project.recipe().toString()));
        main(new EvaluateEagle3(), project);
        check(project);
    }

    /** Driver and executors of three jobs share one copy of the target, and one of the draft. */
    @Test
    void runsFromModelsOnAnotherFileSystem() throws IOException {
        TinyProject project = TinyProject.in(folder);
        String[] uris = {"--set", "target.model=" + CountedFileSystem.uri(project.model()),
            "--set", "target.cache=" + folder.resolve("cache")};
        System.setProperty("spark.hadoop.fs.counted.impl", CountedFileSystem.class.getName());
        try {
            main(new PrepareHiddenStates(), project, uris);
            // Reads the target's config.json in place, and the size of the store.
            assertEquals(0, CommandLines.run(new Aerie(), "plan", "--config", project.recipe().toString(), uris[0], uris[1]));
            main(new TrainEagle3(), project, uris);
            assertEquals(0, CommandLines.run(new Aerie(), "export", "--config", project.recipe().toString()));
            List<String> more = new ArrayList<>(List.of(uris));
            more.addAll(List.of("--set", "evaluate.draft=" + CountedFileSystem.uri(folder.resolve("draft"))));
            main(new EvaluateEagle3(), project, more.toArray(String[]::new));
        } finally {
            System.clearProperty("spark.hadoop.fs.counted.impl");
        }
        check(project);
        List<String> target = CountedFileSystem.opened(project.model()).stream().sorted().toList();
        assertEquals(
                List.of("config.json", "config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"), target);
        List<String> draft = CountedFileSystem.opened(folder.resolve("draft")).stream().sorted().toList();
        assertEquals(List.of("config.json", "model.safetensors"), draft);
    }

    private static void main(Callable<Integer> job, TinyProject project, String... more) {
        // The job stops the session it ends with; it would start one on local threads by itself.
        CountedFileSystem.register(LocalCluster.session().sparkContext().hadoopConfiguration());
        List<String> arguments = new ArrayList<>(List.of("--config", project.recipe().toString(), "--verbose"));
        arguments.addAll(List.of(more));
        assertEquals(0, CommandLines.run(job, arguments.toArray(String[]::new)), job.toString());
    }

    private static void check(TinyProject project) throws IOException {
        Path out = project.folder();
        assertTrue(Files.size(out.resolve("draft").resolve("model.safetensors")) > 0);
        assertEquals("LlamaForCausalLMEagle3",
                json(out.resolve("draft").resolve("config.json")).path("architectures").path(0).asText());
        JsonNode report = json(out.resolve("evaluate").resolve("acceptance.json"));
        assertEquals(3, report.path("prompts").asInt());
        assertTrue(report.path("acceptance_length").asDouble() >= 1, report::toString);
        assertEquals(0, report.path("true_differences").asInt(), report::toString);
        for (String made : List.of("store", "train", "evaluate")) {
            Recipe.read(out.resolve(made).resolve("recipe.yaml"), List.of());
        }
    }

    private static JsonNode json(Path file) throws IOException {
        return new ObjectMapper().readTree(file.toFile());
    }
}
