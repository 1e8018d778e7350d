package dev.aerie.jobs;

import static dev.aerie.jobs.RecipeKeys.DATA_END_OF_TURN;
import static dev.aerie.jobs.RecipeKeys.DATA_HELD_OUT_COUNT;
import static dev.aerie.jobs.RecipeKeys.DATA_INPUTS;
import static dev.aerie.jobs.RecipeKeys.INPUT_FORMAT;
import static dev.aerie.jobs.RecipeKeys.INPUT_LIMIT;
import static dev.aerie.jobs.RecipeKeys.INPUT_PATH;
import static dev.aerie.jobs.RecipeKeys.NAME;
import static dev.aerie.jobs.RecipeKeys.STORE_PATH;
import static dev.aerie.jobs.RecipeKeys.SUBSET_SOURCE;
import static dev.aerie.jobs.RecipeKeys.TARGET_CAPTURE_LAYERS;
import static dev.aerie.jobs.RecipeKeys.TARGET_MODEL;
import static dev.aerie.jobs.RecipeKeys.TRAIN_BATCH_CONVERSATIONS;
import static dev.aerie.jobs.RecipeKeys.TRAIN_GLOBAL_BATCH_TOKENS;
import static dev.aerie.jobs.RecipeKeys.TRAIN_LEARNING_RATE;
import static dev.aerie.jobs.RecipeKeys.TRAIN_SCHEDULE;
import static dev.aerie.jobs.RecipeKeys.TRAIN_SUBSET;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.aerie.text.ConversationFormat;
import dev.aerie.train.Schedule;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
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
        assertEquals("models/small", TARGET_MODEL.of(recipe));
        assertEquals(Optional.of(List.of(1, 3, 4)), TARGET_CAPTURE_LAYERS.of(recipe));
        assertEquals(7, DATA_HELD_OUT_COUNT.of(recipe));
        assertEquals(1e-3, TRAIN_LEARNING_RATE.of(recipe));
        assertEquals(Schedule.COSINE, TRAIN_SCHEDULE.of(recipe));
        List<Recipe> inputs = DATA_INPUTS.of(recipe);
        assertEquals(Optional.of(1200), INPUT_LIMIT.of(inputs.get(0)));
        assertEquals(ConversationFormat.AUTO, INPUT_FORMAT.of(inputs.get(1)));
        assertEquals(Optional.empty(), INPUT_LIMIT.of(inputs.get(1)));
    }

    @Test
    void overridesWinAndAreCheckedAsTheFileIs() {
        Recipe recipe = parse(RECIPE, "train.learning_rate=0.5", "data.held_out.count=0", "name=007",
                "target.capture_layers=[0, 1, 2]");
        assertEquals(0.5, TRAIN_LEARNING_RATE.of(recipe));
        assertEquals(0, DATA_HELD_OUT_COUNT.of(recipe));
        assertEquals("007", NAME.of(recipe));
        assertEquals(Optional.of(List.of(0, 1, 2)), TARGET_CAPTURE_LAYERS.of(recipe));
        assertMessage("Invalid recipe key train.epochs: \"many\" (expected a whole number from 1)", RECIPE, "train.epochs=many");
        assertMessage("Unknown recipe key train.epoch (did you mean train.epochs?)", RECIPE, "train.epoch=2");
        assertMessage("Invalid --set: train.epochs (expected section.key=value)", RECIPE, "train.epochs");
    }

    @Test
    void textOfAnOverrideStandsAsItIsOrInYamlsQuotes() {
        assertEquals(Optional.of("a\nb"), DATA_END_OF_TURN.of(parse(RECIPE, "data.end_of_turn=\"a\\nb\"")));
        assertEquals(Optional.of("it's"), DATA_END_OF_TURN.of(parse(RECIPE, "data.end_of_turn='it''s'")));
        assertEquals(Optional.of("\u00e9<|x|>"), DATA_END_OF_TURN.of(parse(RECIPE, "data.end_of_turn=\"\\u00e9<|x|>\"")));
        assertEquals(Optional.of("a: b # c"), DATA_END_OF_TURN.of(parse(RECIPE, "data.end_of_turn=a: b # c")));
        assertEquals(Optional.of("null"), DATA_END_OF_TURN.of(parse(RECIPE, "data.end_of_turn='null'")));
        assertEquals(Optional.empty(), DATA_END_OF_TURN.of(parse(RECIPE, "data.end_of_turn=x", "data.end_of_turn=null")));
        assertEquals("quoted", NAME.of(parse(RECIPE, "name='quoted'")));
        assertEquals("models/other", TARGET_MODEL.of(parse(RECIPE, "target.model=\"models/other\"")));
        assertEquals(Schedule.CONSTANT, TRAIN_SCHEDULE.of(parse(RECIPE, "train.schedule='constant'")));
        assertMessage("Invalid recipe: --set name, line 1 is not YAML: found unexpected end of stream", RECIPE, "name=\"open");
    }

    @Test
    void elementsOfListsAreOverriddenByThemselves() {
        Recipe recipe = parse(RECIPE, "data.inputs[0].path=c.json", "data.inputs[1].limit=5", "data.inputs[2].path='d.json'",
                "target.capture_layers[2]=6", "train.subset[0].source=a.json");
        List<Recipe> inputs = DATA_INPUTS.of(recipe);
        assertEquals(List.of("c.json", "b.jsonl", "d.json"), inputs.stream().map(INPUT_PATH::of).map(Optional::orElseThrow).toList());
        assertEquals(List.of(Optional.of(1200), Optional.of(5), Optional.empty()), inputs.stream().map(INPUT_LIMIT::of).toList());
        assertEquals(Optional.of(List.of(1, 3, 6)), TARGET_CAPTURE_LAYERS.of(recipe));
        assertEquals("a.json", SUBSET_SOURCE.of(TRAIN_SUBSET.of(recipe).orElseThrow().get(0)));
        assertEquals(List.of("x.json"), DATA_INPUTS.of(parse("name: a", "data.inputs[0]={path: x.json}")).stream()
                .map(INPUT_PATH::of).map(Optional::orElseThrow).toList());
        assertMessage("Invalid --set: data.inputs[3].path (expected an index from 0 to 2, as the list has so many elements)",
                RECIPE,
                "data.inputs[3].path=x");
        assertMessage("Unknown recipe key data.inputs[0].paht (did you mean data.inputs[0].path?)", RECIPE,
                "data.inputs[0].paht=x");
        assertMessage("Invalid --set: name[0] (expected no more than name, which is text)", RECIPE, "name[0]=x");
        assertMessage("Invalid --set: data.inputs[x].path=y (expected section.key=value)", RECIPE, "data.inputs[x].path=y");
        assertMessage("Invalid recipe key data.inputs[0].limit: \"no\" (expected a whole number from 1)", RECIPE,
                "data.inputs[0].limit='no'");
    }

    @Test
    void homeIsTheOnlyThingOfAShellInAPath() {
        String home = System.getProperty("user.home");
        for (String key : List.of("target.model", "target.cache", "data.template", "store.path", "train.output", "evaluate.draft",
                "evaluate.prompts.path", "evaluate.output", "export.output")) {
            for (String written : List.of("~/a/b", "$HOME/a/b", "${HOME}/a/b")) {
                assertEquals(home + "/a/b", parse("name: a", key + "=" + written).value(RecipeKeys.find(key)), key);
            }
            for (String written : List.of("~other/a", "$DATA/a", "${DATA}/a", "a/$DATA", "/a/${USER}_b", "$HOMER/a", "$(pwd)/a",
                    "~~")) {
                assertMessage("Invalid recipe key " + key + ": \"" + written
                        + "\" (expected a path or URI in which ~ and $HOME stand "
                        + "at the start and nothing else is for a shell to replace)", "name: a", key + "=" + written);
            }
        }
        assertEquals(home, STORE_PATH.of(parse("store: {path: '~'}")));
        assertEquals("file://" + home + "/a", STORE_PATH.of(parse("store: {path: 'file://~/a'}")));
        assertEquals("/data/a~b/x$", STORE_PATH.of(parse("store: {path: '/data/a~b/x$'}")));
        assertEquals(Optional.of(home + "/x.json"), INPUT_PATH.of(DATA_INPUTS.of(parse("data: {inputs: [{path: ~/x.json}]}")).get(0)));
        assertEquals(Optional.of(home + "/x.json"), INPUT_PATH.of(DATA_INPUTS.of(parse(RECIPE, "data.inputs[0].path=~/x.json")).get(0)));
    }

    @Test
    void oneOfTwoKeysThatSayTheSame() {
        assertEquals(Optional.of(1), TRAIN_BATCH_CONVERSATIONS.of(parse("name: a")));
        Recipe tokens = parse("train: {global_batch_tokens: 100}");
        assertEquals(Optional.empty(), TRAIN_BATCH_CONVERSATIONS.of(tokens));
        assertEquals(Optional.of(100L), TRAIN_GLOBAL_BATCH_TOKENS.of(parse(tokens.effective())));
    }

    @Test
    void whatARunMustAgreeWithFollowsFromTheKeys() {
        Recipe recipe = parse(RECIPE, "train.max_steps=3", "train.ranks=2", "train.global_batch_tokens=99");
        assertEquals("{train.dtype=auto, train.epochs=1, train.global_batch_tokens=99, train.learning_rate=0.001, "
                + "train.max_grad_norm=0.5, train.mode=strict, train.schedule=cosine, train.seed=0, train.ttt_length=7, "
                + "train.warmup_ratio=0.015, train.weight_decay=0.0}", recipe.deciding(Decides.TRAINING).toString());
        assertEquals("{data.held_out.max_new_tokens=128, target.micro_batch_tokens=4096}", recipe.deciding(Decides.STATES)
                .toString());
    }

    @Test
    void whatIsInEffectReadsBackAsTheSame() {
        Recipe recipe = parse(RECIPE, "name=1e3");
        assertEquals(recipe.effective(), parse(recipe.effective()).effective());
        assertEquals("1e3", NAME.of(parse(recipe.effective())));
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
        "data: {inputs: a};               'Invalid recipe key data.inputs: \"a\" (expected a list, each a mapping with path, "
                + "table, query, columns, format, limit)'",
        "data: {inputs: [{paht: x}]};     Unknown recipe key data.inputs[0].paht (did you mean data.inputs[0].path?)",
        "data: {inputs: [{limit: 2}]};    'Missing recipe key data.inputs[0].path (expected a path or URI, or else table or query)'",
        "data: {inputs: [{path: a, table: b}]}; 'Invalid recipe key data.inputs[0].table: \"b\" (expected only one of path, table "
                + "and query)'",
        "data: {inputs: [{table: b, query: c}]}; 'Invalid recipe key data.inputs[0].query: \"c\" (expected only one of path, table "
                + "and query)'",
        "data: {inputs: [{path: a, columns: {id: b}}]}; 'Invalid recipe key data.inputs[0].columns: {id=b} (expected unset for a "
                + "path: the fields of its records have the names of their format)'",
        "data: {inputs: [{table: a, columns: {ids: b}}]}; 'Unknown recipe key data.inputs[0].columns.ids (did you mean "
                + "data.inputs[0].columns.id?)'",
        "data: {inputs: [{table: a, columns: {id: 1}}]}; 'Invalid recipe key data.inputs[0].columns.id: 1 (expected text, in "
                + "quotes)'",
        "data: {min_supervised_share: 2}; Invalid recipe key data.min_supervised_share: 2 (expected a number from 0 to 1)",
        "train.epochs: 2;                 'Invalid recipe key train.epochs: a dot in its name (expected a section with keys)'",
        "store: {path: 'a b:c'};          'Invalid recipe key store.path: \"a b:c\" (expected a path or URI: "
                + "java.net.URISyntaxException: Relative path in absolute URI: a b:c)'",
        "- a;                             'Invalid recipe: test (expected sections with keys, as in docs/recipe.md)'"})
    void refusesWithOneSentence(String yaml, String message) {
        assertMessage(message, yaml);
    }

    @Test
    void refusesContradictionsWhicheverJobReads() {
        assertMessage("Invalid recipe key train.global_batch_tokens: 100 (expected only one of it and train.batch_conversations)",
                "train: {global_batch_tokens: 100, batch_conversations: 2}");
        assertMessage("Invalid recipe key store.teacher_rows: unset, and its default \"strict\" does not fit (expected all, "
                + "which train.mode specforge needs)",
                "train: {mode: specforge}");
        assertMessage("Invalid recipe key target.capture_layers[2]: 5000000000 (expected a whole number from 0 to 2147483647)",
                "target: {capture_layers: [1, 3, 5000000000]}");
    }

    @Test
    void refusesWhatIsMissingWhenItIsNeeded() {
        Recipe recipe = parse("name: x");
        RecipeException e = assertThrows(RecipeException.class, () -> TARGET_MODEL.of(recipe));
        assertEquals("Missing recipe key target.model (expected a path or URI)", e.getMessage());
        assertThrows(RecipeException.class, () -> DATA_INPUTS.of(recipe));
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

    @Test
    void refusesAFileThatIsNoRecipe(@TempDir Path folder) throws IOException {
        Path binary = Files.write(folder.resolve("binary.yaml"), new byte[] {(byte) 0xff, (byte) 0xfe, 0});
        for (Map.Entry<Path, String> wrong : Map.of(folder, "a file, it is a folder", binary, "a file in UTF-8").entrySet()) {
            RecipeException e = assertThrows(RecipeException.class, () -> Recipe.read(wrong.getKey(), List.of()));
            assertEquals("Invalid recipe: " + wrong.getKey() + " (expected " + wrong.getValue() + ")", e.getMessage());
        }
    }

    @Test
    void refusesAListOfNothing() {
        assertMessage("Invalid recipe key data.inputs: [] (expected a list, each a mapping with path, table, query, columns, format, limit, and at least one "
                + "of them)", "data: {inputs: []}");
        assertThrows(RecipeException.class, () -> parse("", "data.inputs=[]"));
    }

    private static void assertMessage(String message, String yaml, String... overrides) {
        assertEquals(message, assertThrows(RecipeException.class, () -> parse(yaml, overrides)).getMessage());
    }

    private static Recipe parse(String yaml, String... overrides) {
        return Recipe.parse("test", yaml, List.of(overrides));
    }
}
