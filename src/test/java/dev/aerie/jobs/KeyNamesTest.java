package dev.aerie.jobs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * The names of keys in messages of packages that know no recipe: a message that names a key which was renamed sends its reader to
 * nothing.
 */
class KeyNamesTest {

    private static final Pattern LITERAL = Pattern.compile("\"(?:[^\"\\\\]|\\\\.)*\"");
    /** What a checkpoint agrees by beside the keys, and files whose names look like one. */
    private static final Set<String> OTHERS = Set.of("train.adam", "store.target", "store.tokenizer", "store.template",
            "store.inputs", "store.settings", "store.generation", "draft.vocabulary", "store.json", "data.pkl");

    @Test
    void everyKeyThatTheSourceNamesExists() throws IOException {
        String sections = RecipeKeys.ALL.stream().filter(key -> key.path().contains("."))
                .map(key -> key.path().replaceAll("\\..*", "")).distinct().collect(Collectors.joining("|"));
        Pattern name = Pattern.compile("(?<![\\w.\\-/])(?:" + sections + ")(?:\\.[a-z][a-z0-9_]*)+");
        Set<String> known = RecipeKeys.ALL.stream().map(RecipeKey::path).collect(Collectors.toSet());
        List<String> unknown = new ArrayList<>();
        Set<String> named = new TreeSet<>();
        try (Stream<Path> sources = Files.walk(Path.of("src/main/java"))) {
            for (Path source : sources.filter(file -> file.toString().endsWith(".java")).toList()) {
                for (String line : Files.readAllLines(source)) {
                    if (line.strip().startsWith("*") || line.strip().startsWith("/")) {
                        continue;
                    }
                    for (Matcher literal = LITERAL.matcher(line); literal.find();) {
                        for (Matcher key = name.matcher(literal.group()); key.find();) {
                            named.add(key.group());
                            if (!known.contains(key.group()) && !RecipeKeys.isSection(key.group()) && !OTHERS.contains(key.group())) {
                                unknown.add(source.getFileName() + ": " + key.group());
                            }
                        }
                    }
                }
            }
        }
        assertEquals(List.of(), unknown);
        assertTrue(named.containsAll(known.stream().filter(key -> key.contains(".")).toList()), "the pattern finds the keys");
    }
}
