package dev.aerie.jobs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The figures of docs/scale.md are those of the program. */
class ScaleDocumentTest {

    private static final List<String> TARGETS = List.of("llama3.1-8b", "llama4-scout", "llama4-maverick", "kimi-k2");

    private static StoreOnS3 store(String target, String... set) {
        List<String> values = new ArrayList<>(List.of(set));
        Recipe recipe = Recipe.read(Path.of("conf", "recipes", target + ".yaml"), values);
        return StoreOnS3.of(RunPlan.of(recipe, Path.of("conf", "targets", target), Plan.usual(recipe)));
    }

    @Test
    void theTableIsComputed() throws IOException {
        List<String> rows = new ArrayList<>();
        for (String target : TARGETS) {
            for (String codec : List.of("bf16", "fp8", "int8", "f32")) {
                rows.add(store(target, "store.codec=" + codec).row(target));
            }
        }
        List<String> written = Files.readAllLines(Path.of("docs", "scale.md")).stream()
                .filter(line -> TARGETS.stream().anyMatch(target -> line.startsWith("| " + target + " |"))).toList();
        assertEquals(String.join("\n", rows), String.join("\n", written));
    }

    @Test
    void smallerShardsAreMoreObjectsAndRequests() {
        StoreOnS3 usual = store("llama3.1-8b");
        StoreOnS3 small = store("llama3.1-8b", "store.shard_tokens=4096");
        assertTrue(small.shards() > 50 * usual.shards() && small.shards() < 80 * usual.shards(), small.toString());
        assertTrue(small.objects() > 2 * small.shards());
        assertTrue(small.reads().prepare() > 50 * usual.reads().prepare());
        assertTrue(small.reads().epoch() > usual.reads().epoch());
        assertEquals(small.monthDollars(), usual.monthDollars());
        // One part of at most 64 MiB is one PUT, and a marker is another.
        StoreOnS3 tiny = store("llama3.1-8b", "store.shard_tokens=1024", "store.codec=fp8");
        long files = (tiny.shards() + 15) / 16;
        assertEquals(2 * tiny.shards() + 3 * files + 8, tiny.writes());
    }
}
