package dev.aerie.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What the repository proves by itself, with nothing beside it. */
class BareCloneTest {

    private static final int MOST_SKIPPED = 10;
    private static final long MOST_BYTES = 15_000_000;
    private static final Pattern TAGGED = Pattern.compile("@Tag\\(Shared\\.TAG\\)\\s+@Test\\s+void (\\w+)");

    @Test
    void fewTestsNeedWhatLiesBesideIt() throws IOException {
        TreeMap<String, List<String>> tagged = new TreeMap<>();
        for (Path file : files(Path.of("src", "test", "java"), ".java")) {
            String source = Files.readString(file);
            List<String> names = TAGGED.matcher(source).results().map(m -> m.group(1)).toList();
            if (!names.isEmpty()) {
                tagged.put(file.getFileName().toString(), names);
            }
            String other = file.endsWith("Shared.java") || file.endsWith("BareCloneTest.java") ? "" : source;
            assertEquals(names.isEmpty(), !other.contains("Shared.path("),
                    file + " uses ../shared without the tag, or has it for nothing");
            assertTrue(!Pattern.compile("static final \\w+ \\w+ =\\s+Shared").matcher(other).find(),
                    file + " reads it when it loads");
        }
        int count = tagged.values().stream().mapToInt(List::size).sum();
        System.out.println(count + " tests need ../shared and are skipped without it: " + tagged);
        assertTrue(count <= MOST_SKIPPED, tagged.toString());
    }

    @Test
    void nothingForUsersPointsBesideIt() throws IOException {
        for (String folder : List.of("conf", "docs", "jobs", "examples", "src/main", "quickstart")) {
            for (Path file : files(Path.of(folder), "")) {
                String name = file.getFileName().toString();
                if (name.endsWith(".safetensors") || name.endsWith(".png")) {
                    continue;
                }
                Matcher found = Pattern.compile("\\.\\./shared\\b").matcher(new String(Files.readAllBytes(file), "ISO-8859-1"));
                assertTrue(!found.find(), file + " points to ../shared");
            }
        }
    }

    @Test
    void goldensAreSmall() throws IOException {
        long bytes = 0;
        for (Path file : files(Path.of("src", "test", "resources"), "")) {
            bytes += Files.size(file);
        }
        assertTrue(bytes <= MOST_BYTES, bytes + " bytes");
    }

    private static List<Path> files(Path folder, String end) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            return files.filter(f -> Files.isRegularFile(f) && f.toString().endsWith(end)).toList();
        }
    }
}
