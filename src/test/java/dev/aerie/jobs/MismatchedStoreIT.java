package dev.aerie.jobs;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import dev.aerie.testing.TinyProject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A store that was made otherwise than the recipe now asks is refused through the mains, by name, and stays as it was. */
@Timeout(300)
class MismatchedStoreIT {

    @TempDir
    Path folder;

    @Test
    void isRefusedAndLeftAlone() throws IOException {
        TinyProject project = TinyProject.in(folder);
        List<String> recipe = List.of("--config", project.recipe().toString());
        assertEquals(0, CommandLines.run(new PrepareHiddenStates(), recipe.toArray(String[]::new)));
        Path identity = folder.resolve("store").resolve("store.json");
        byte[] made = Files.readAllBytes(identity);

        Path tokenizer = project.model().resolve("tokenizer.json");
        changed(tokenizer, "\"use_regex\":true", "\"use_regex\":false",
                () -> refusedByAll(recipe, "tokenizer"));
        changed(project.model().resolve("tokenizer_config.json"), "m['content'] +", "m['content'] + ' ' +",
                () -> refusedByAll(recipe, "template"));
        changed(project.conversations(), "What is 3", "What was 3",
                () -> refused(new PrepareHiddenStates(), recipe, "inputs"));
        assertArrayEquals(made, Files.readAllBytes(identity));
        changed(identity, "\"format_version\" : 2", "\"format_version\" : 9",
                () -> refusedByAll(recipe, "9"));
        assertEquals(0, CommandLines.run(new Aerie(), "verify-store", folder.resolve("store").toString()));
    }

    private static void refusedByAll(List<String> recipe, String part) {
        refused(new PrepareHiddenStates(), recipe, part);
        refused(new TrainEagle3(), recipe, part);
    }

    private static void refused(Callable<Integer> job, List<String> recipe, String part) {
        Refusal.of(job, recipe).assertSays(part);
    }

    private static void changed(Path file, String from, String to, Runnable check) throws IOException {
        String before = Files.readString(file);
        String after = before.replace(from, to);
        assertNotEquals(before, after, () -> file + " lacks " + from + ": " + before);
        Files.writeString(file, after);
        check.run();
        Files.writeString(file, before);
    }
}
