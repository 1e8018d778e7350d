package dev.aerie;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The pages for developers name classes, methods and files that exist. */
class DocumentsTest {

    /** A class, such as {@code `Ingest`} or {@code `ShardWriter.commit`}. */
    private static final Pattern CLASS = Pattern.compile("`([A-Z]\\w*[a-z]\\w*)(?:\\.(\\w+))?`");
    /** A path of the project, such as {@code docs/store.md} or {@code src/quickstart/java}. */
    private static final Pattern PATH = Pattern.compile("(?<![\\w/.])(?:docs|src|conf|jobs|examples)/[\\w./-]*\\w");

    @ParameterizedTest
    @ValueSource(strings = {"docs/architecture.md", "CONTRIBUTING.md", "README.md"})
    void whatAPageNamesExists(String page) throws IOException {
        String text = Files.readString(Path.of(page));
        Map<String, Path> classes = classes();
        List<String> missing = new ArrayList<>();
        for (MatchResult found : CLASS.matcher(text).results().toList()) {
            Path source = classes.get(found.group(1));
            if (source == null) {
                missing.add(found.group());
            } else if (found.group(2) != null && !Files.readString(source).contains(" " + found.group(2) + "(")) {
                missing.add(found.group());
            }
        }
        for (MatchResult found : PATH.matcher(text).results().toList()) {
            if (!Files.exists(Path.of(found.group()))) {
                missing.add(found.group());
            }
        }
        assertEquals(List.of(), missing, page + " names what does not exist");
        assertTrue(CLASS.matcher(text).find() || PATH.matcher(text).find(), page);
    }

    private static Map<String, Path> classes() throws IOException {
        Map<String, Path> classes = new HashMap<>();
        try (Stream<Path> files = Files.walk(Path.of("src"))) {
            files.filter(f -> f.toString().endsWith(".java"))
                    .forEach(f -> classes.put(f.getFileName().toString().replace(".java", ""), f));
        }
        return classes;
    }
}
