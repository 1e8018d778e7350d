package dev.aerie.jobs;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** No output is another place of the recipe, contains it or lies within it, however both are spelled. */
class DistinctPlacesTest {

    @TempDir
    Path folder;

    private final Configuration conf = new Configuration(false);

    @ParameterizedTest
    @CsvSource(delimiter = ';', value = {
        "export.output; model; target.model", "export.output; store; store.path", "train.output; store; store.path",
        "train.output; store/train; store.path", "store.path; train/store; train.output", "evaluate.output; draft; export.output",
        "evaluate.output; draft/report; export.output", "evaluate.output; store; store.path", "store.path; model; target.model",
        "train.output; model/train; target.model", "export.output; inputs; data.inputs[1].path",
                "store.path; inputs/x; data.inputs[1].path",
        "store.path; prompts; evaluate.prompts.path", "store.path; .; target.model",
                "train.output; ./model/../train/../store/; store.path",
        "evaluate.output; prompts/prompts.jsonl; evaluate.prompts.path", "export.output; templates/t.jinja; data.template",
        "store.path; daily/2026; data.inputs[2].path", "store.path; daily/2026/deeper; data.inputs[2].path",
        "store.path; daily; data.inputs[2].path", "train.output; foreign; evaluate.draft"})
    void outputs(String key, String place, String other) {
        String said = refusal(key + "=" + folder + "/" + place);
        assertTrue(said.startsWith("Invalid recipe key "), said);
        assertTrue(said.contains(key) && said.contains(other), said);
    }

    @Test
    void whatLiesApartIsTaken() {
        assertDoesNotThrow(() -> require());
        assertDoesNotThrow(() -> require("store.path=" + folder + "/model-store", "train.output=" + folder + "/daily2/x"));
        assertDoesNotThrow(() -> require("evaluate.draft=" + folder + "/draft"));
        assertDoesNotThrow(() -> require("store.path=" + folder + "/archive/2026"));
        assertDoesNotThrow(() -> require("store.path=s3a://b/model", "train.output=hdfs://b/model"));
    }

    @Test
    void linksSchemesAndDefaultFileSystems() throws IOException {
        Files.createDirectory(folder.resolve("model"));
        Files.createSymbolicLink(folder.resolve("link"), folder.resolve("model"));
        assertEquals("Invalid recipe key export.output: \"" + folder
                + "/link\" (expected a folder of its own: it is the place of "
                + "target.model, \"" + folder + "/model\")", refusal("export.output=" + folder + "/link"));
        assertTrue(refusal("export.output=file://" + folder + "/link/new").contains("lies within target.model"));
        assertTrue(refusal("store.path=s3a://bucket/a/", "train.output=s3a://bucket/a/b/../c")
                .contains("lies within store.path"));
        conf.set("fs.defaultFS", "hdfs://host:8020");
        assertTrue(refusal("store.path=/a", "train.output=hdfs://HOST:8020/a").contains("is the place of store.path"));
        // A model without a scheme is on this host whatever Hadoop's default is.
        assertDoesNotThrow(() -> require("export.output=" + folder + "/model"));
    }

    private String refusal(String... set) {
        return assertThrows(RecipeException.class, () -> require(set)).getMessage();
    }

    private void require(String... set) {
        List<String> all = new ArrayList<>(List.of("data.inputs[2].path=" + folder + "/daily/*"));
        all.addAll(List.of(set));
        new DistinctPlaces(conf).require(Recipe.parse("test", """
                target: {model: FOLDER/model}
                data: {template: FOLDER/templates/t.jinja, inputs: [{path: FOLDER/a.json}, {path: FOLDER/inputs}]}
                store: {path: FOLDER/store}
                train: {output: FOLDER/train}
                export: {output: FOLDER/draft}
                evaluate: {output: FOLDER/report, draft: FOLDER/foreign, prompts: {path: FOLDER/prompts/prompts.jsonl}}
                """.replace("FOLDER", folder.toString()), all));
    }
}
