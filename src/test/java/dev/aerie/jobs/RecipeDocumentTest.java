package dev.aerie.jobs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** docs/recipe.md says what the code does, key by key, and the recipes of the repository are ones. */
class RecipeDocumentTest {

    @Test
    void theReferenceListsEveryKeyAsTheCodeHasIt() throws IOException {
        List<String> written = Files.readAllLines(Path.of("docs", "recipe.md")).stream().filter(l -> l.startsWith("| `"))
                .toList();
        assertEquals(String.join("\n", rows()), String.join("\n", written));
    }

    @Test
    void theRecipesOfTheRepositoryAreValid() throws IOException {
        try (Stream<Path> files = Files.list(Path.of("conf", "recipes"))) {
            List<Path> recipes = files.filter(f -> f.toString().endsWith(".yaml")).toList();
            assertTrue(!recipes.isEmpty());
            recipes.forEach(file -> Recipe.read(file, List.of()));
        }
    }

    private static List<String> rows() {
        List<String> rows = new ArrayList<>();
        RecipeKeys.ALL.forEach(key -> add(key.path(), key, rows));
        return rows;
    }

    private static void add(String path, RecipeKey<?> key, List<String> rows) {
        rows.add(row(path, key));
        if (key.type() instanceof ValueType.Listing<?> list && list.element() instanceof ValueType.Section section) {
            section.keys().forEach(inner -> add(path + "[]." + inner.path(), inner, rows));
        } else if (key.type() instanceof ValueType.Section section) {
            section.keys().forEach(inner -> add(path + "." + inner.path(), inner, rows));
        }
    }

    private static String row(String path, RecipeKey<?> key) {
        String shown = key.isRequired() ? "required" : key.defaultValue() == null ? "unset"
                : shown(key.type(), key.defaultValue());
        return "| `" + path + "` | " + key.type().expected() + " | " + shown + " | " + key.decides() + " | " + key.meaning()
                + " |";
    }

    @SuppressWarnings("unchecked")
    private static <V> String shown(ValueType<V> type, Object value) {
        return value instanceof Double number ? Recipe.plain(number) : type.yaml((V) value).toString();
    }
}
