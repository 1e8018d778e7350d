package dev.aerie.jobs;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.aerie.errors.RefusalException;
import dev.aerie.target.TargetSize;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** The recipes of real targets: what they say they take is what {@code plan} prints, and that follows from the shapes. */
class RunPlanTest {

    private static final Path TARGETS = Path.of("conf", "targets");
    private static final Path RECIPES = Path.of("conf", "recipes");

    @TempDir
    Path folder;

    static List<String> targets() throws IOException {
        try (Stream<Path> all = Files.list(TARGETS)) {
            return all.map(p -> p.getFileName().toString()).sorted().toList();
        }
    }

    @ParameterizedTest
    @MethodSource("targets")
    void theHeadOfARecipeSaysWhatPlanPrints(String name) throws IOException {
        Path file = RECIPES.resolve(name + ".yaml");
        Recipe recipe = Recipe.read(file, List.of());
        RunPlan plan = RunPlan.of(recipe, shapes(name), Plan.usual(recipe));
        List<String> printed = plan.lines();
        List<String> head = Files.readAllLines(file).stream().takeWhile(l -> !l.equals("# plan end"))
                .dropWhile(l -> !l.equals("# plan:")).skip(1).map(l -> l.substring("#   ".length())).toList();
        assertEquals(String.join("\n", printed), String.join("\n", head));
    }

    private static Path shapes(String name) {
        Path shapes = TARGETS.resolve(name);
        try {
            TargetSize.of(shapes);
        } catch (RefusalException e) {
            Assumptions.assumeFalse(e.getMessage().startsWith("Invalid model_type"), e.getMessage());
            throw e;
        }
        return shapes;
    }

    /** What their authors say, in billions: all parameters, and those that a token meets. */
    @ParameterizedTest
    @CsvSource({
        "llama3.1-8b, 8.03, 8.03", "llama3.3-70b, 70.6, 70.6", "llama4-scout, 107.8, 17.2", "llama4-maverick, 400, 17.2",
        "qwen3-8b, 8.19, 8.19", "qwen3-30b-a3b, 30.5, 3.35", "qwen3-235b-a22b, 235, 22.2", "gpt-oss-20b, 20.9, 4.2",
        "gpt-oss-120b, 116.8, 5.7", "deepseek-v3, 671, 37.5", "kimi-k2, 1026, 32.9"})
    void theShapesAreThoseOfTheTarget(String name, double all, double active) {
        TargetSize size = TargetSize.of(shapes(name));
        assertEquals(all, size.parameters() / 1e9, 0.01 * all);
        assertEquals(active, size.activeParameters() / 1e9, 0.02 * active);
    }

    @Test
    void oneLayerAndOneConversationByHand() throws IOException {
        Files.writeString(folder.resolve("config.json"), """
                {"model_type": "llama", "hidden_size": 8, "intermediate_size": 16, "num_hidden_layers": 5,
                 "num_attention_heads": 2, "num_key_value_heads": 1, "vocab_size": 100}""");
        Recipe recipe = Recipe.parse("test", """
                store: {codec: f32, teacher_rows: strict}
                draft: {vocab_size: 50}
                train: {ttt_length: 2, epochs: 3}
                target: {model: here, capture_layers: [0, 1, 2]}
                """, List.of());
        RunPlan plan = RunPlan.of(recipe, folder, new RunPlan.Assumed(2, 10, 0.5, 4, 1, 0.5));
        // 20 tokens of 3 layers, 10 of them with the final norm's state.
        assertEquals(4 * (20 * 24 + 10 * 8) + 20 * 16, plan.storeBytes());
        long layer = 8 * 8 + 2 * 4 * 8 + 8 * 8 + 3 * 8 * 16 + 2 * 8;
        assertEquals(5 * layer + 2 * 100 * 8 + 8, plan.target().parameters());
        double attention = 5 * 2 * 2 * (4 + 4) * 5.5;
        assertEquals(20 * (2 * 5 * layer + attention), plan.forwardFlops(), 1e-6);
        double draft = 2.0 * (8 * 24 + 2 * (8 * 16 + 2 * 4 * 16 + 8 * 8 + 3 * 8 * 16) + 2 * 0.5 * 50 * 8);
        double scores = 2 * 2 * 8 * (5.5 + 6.5);
        assertEquals(3 * 20 * (3 * (draft + scores) + 2 * 0.5 * 8 * 50), plan.trainingFlops(), 1e-6);
        assertEquals(7, plan.lines().size());
    }

    @Test
    void aStoreThatDoesNotFitEndsWithCodeOne() throws IOException {
        Path recipe = folder.resolve("recipe.yaml");
        Files.writeString(recipe, "target: {model: " + TARGETS.resolve("llama3.1-8b").toAbsolutePath() + "}\n"
                + "store: {path: " + folder.resolve("store") + "}\n");
        String[] plan = {"plan", "--config", recipe.toString(), "--conversations", "2"};
        assertEquals(0, CommandLines.run(new Aerie(), plan));
        assertEquals(1, CommandLines.run(new Aerie(), append(plan, "--set", "store.max_bytes=1000")));
        assertEquals(1, CommandLines.run(new Aerie(), append(plan, "--conversations", "900000000")));
        assertEquals(2, CommandLines.run(new Aerie(), append(plan, "--mfu", "2")));
    }

    private static String[] append(String[] some, String... more) {
        List<String> all = Stream.concat(Stream.of(some), Stream.of(more)).toList();
        // picocli takes an option once.
        int again = all.lastIndexOf("--conversations");
        return again > 3 ? Stream.concat(Stream.of("plan", "--config", some[2]), Stream.of(more)).toArray(String[]::new)
                : all.toArray(String[]::new);
    }
}
