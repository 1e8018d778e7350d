package dev.aerie.jobs;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RecipeTest {

    private static final String RECIPE = """
            target:
              model: models/small
              capture_layers: [1, 3, 4]
            data:
              inputs:
                - path: a.json
                  format: sharegpt
                  limit: 1200
                - {path: b.jsonl}
              held_out: {count: 7}
            train:
              learning_rate: 1e-3
            """;

    @Test
    void readsWhatIsWrittenAndDefaultsForTheRest() {
        Recipe recipe = parse(RECIPE);
        assertEquals("models/small", recipe.text("target.model"));
        assertArrayEquals(new int[] {1, 3, 4}, recipe.integers("target.capture_layers"));
        assertEquals(7, recipe.integer("data.held_out.count"));
        assertEquals(1e-3, recipe.number("train.learning_rate"));
        assertEquals("cosine", recipe.text("train.schedule"));
        List<Recipe> inputs = recipe.sections("data.inputs");
        assertEquals(1200, inputs.get(0).integer("limit"));
        assertEquals("auto", inputs.get(1).text("format"));
        assertEquals(true, inputs.get(1).optionalInteger("limit").isEmpty());
    }

    @Test
    void overridesWinAndAreCheckedAsTheFileIs() {
        Recipe recipe = parse(RECIPE, "train.learning_rate=0.5", "data.held_out.count=0", "name=007",
                "target.capture_layers=[0, 1, 2]");
        assertEquals(0.5, recipe.number("train.learning_rate"));
        assertEquals(0, recipe.integer("data.held_out.count"));
        assertEquals("007", recipe.text("name"));
        assertArrayEquals(new int[] {0, 1, 2}, recipe.integers("target.capture_layers"));
        assertMessage("Invalid recipe key train.epochs: \"many\" (expected a whole number from 1)", RECIPE, "train.epochs=many");
        assertMessage("Unknown recipe key train.epoch (did you mean train.epochs?)", RECIPE, "train.epoch=2");
        assertMessage("Invalid --set: train.epochs (expected section.key=value)", RECIPE, "train.epochs");
    }

    @Test
    void whatIsInEffectReadsBackAsTheSame() {
        Recipe recipe = parse(RECIPE, "name=1e3");
        assertEquals(recipe.effective(), parse(recipe.effective()).effective());
        assertEquals("1e3", parse(recipe.effective()).text("name"));
    }

    @ParameterizedTest
    @CsvSource(delimiter = ';', value = {
        "train: {learning_rat: 1};        Unknown recipe key train.learning_rat (did you mean train.learning_rate?)",
        "trian: {epochs: 1};              Unknown recipe key trian (docs/recipe.md lists all of them)",
        "train: {epochs: '2'};            Invalid recipe key train.epochs: \"2\" (expected a whole number from 1)",
        "train: {epochs: 0};              Invalid recipe key train.epochs: 0 (expected a whole number from 1)",
        "train: {ttt_length: 99};         Invalid recipe key train.ttt_length: 99 (expected a whole number from 1 to 32)",
        "train: {mode: loose};            Invalid recipe key train.mode: \"loose\" (expected strict or specforge)",
        "train: 3;                        Invalid recipe key train: 3 (expected a section with keys)",
        "name: 12;                        'Invalid recipe key name: 12 (expected text, in quotes)'",
        "data: {inputs: a};               'Invalid recipe key data.inputs: \"a\" (expected a list, each a mapping with path, format, limit)'",
        "data: {inputs: [{paht: x}]};     Unknown recipe key data.inputs[0].paht (did you mean data.inputs[0].path?)",
        "data: {inputs: [{limit: 2}]};    Missing recipe key data.inputs[0].path (expected a path or URI)",
        "data: {min_supervised_share: 2}; Invalid recipe key data.min_supervised_share: 2 (expected a number from 0 to 1)",
        "train.epochs: 2;                 'Invalid recipe key train.epochs: a dot in its name (expected a section with keys)'",
        "store: {path: 'a b:c'};          'Invalid recipe key store.path: \"a b:c\" (expected a path or URI: java.net.URISyntaxException: Relative path in absolute URI: a b:c)'",
        "- a;                             'Invalid recipe: test (expected sections with keys, as in docs/recipe.md)'"})
    void refusesWithOneSentence(String yaml, String message) {
        assertMessage(message, yaml);
    }

    @Test
    void refusesContradictionsWhicheverJobReads() {
        assertMessage("Invalid recipe key train.global_batch_tokens: 100 (expected only one of it and train.batch_conversations)",
                "train: {global_batch_tokens: 100, batch_conversations: 2}");
        assertMessage("Invalid recipe key store.teacher_rows: \"strict\" (expected all, which train.mode specforge needs)",
                "train: {mode: specforge}");
        RecipeException e = assertThrows(RecipeException.class,
                () -> parse("target: {capture_layers: [1, 3, 5000000000]}").integers("target.capture_layers"));
        assertEquals("Invalid recipe key target.capture_layers: 5000000000 (expected a whole number up to 2147483647)",
                e.getMessage());
    }

    @Test
    void refusesWhatIsMissingWhenItIsNeeded() {
        Recipe recipe = parse("name: x");
        RecipeException e = assertThrows(RecipeException.class, () -> recipe.text("target.model"));
        assertEquals("Missing recipe key target.model (expected a path or URI)", e.getMessage());
        assertThrows(RecipeException.class, () -> recipe.sections("data.inputs"));
    }

    @Test
    void refusesWhatIsNoYaml() {
        assertMessage("Invalid recipe: test, line 1 is not YAML: expected the node content, but found '<stream end>'", "name: [");
    }

    @Test
    void refusesAMissingFile() {
        RecipeException e = assertThrows(RecipeException.class, () -> Recipe.read(Path.of("no-such-recipe.yaml"), List.of()));
        assertEquals("Invalid recipe: no-such-recipe.yaml (expected a file, there is none)", e.getMessage());
    }

    private static void assertMessage(String message, String yaml, String... overrides) {
        assertEquals(message, assertThrows(RecipeException.class, () -> parse(yaml, overrides)).getMessage());
    }

    private static Recipe parse(String yaml, String... overrides) {
        return Recipe.parse("test", yaml, List.of(overrides));
    }
}
