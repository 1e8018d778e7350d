package dev.aerie.store;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.aerie.store.Generation.Operation;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GenerationsTest {

    private static final int HIDDEN = 8;

    private final Configuration conf = new Configuration();

    @TempDir
    Path folder;

    private HiddenStateStore first() throws IOException {
        HiddenStateStore store = HiddenStateStore.create(folder.toString(), conf, settings(2));
        Stores.commit(store, 0, List.of(Stores.sample("a", 300, HIDDEN, 1), Stores.sample("b", 20, HIDDEN, 2)));
        Stores.commit(store, 1, List.of(Stores.sample("c", 30, HIDDEN, 3)));
        Files.createDirectories(folder.resolve("tokens"));
        Files.writeString(folder.resolve("tokens/part-0.parquet"), "tokens of a, b and c");
        Files.writeString(folder.resolve("vocabulary.json"), "{}");
        return HiddenStateStore.open(folder.toString(), conf).complete();
    }

    private static StoreSettings settings(int shards) {
        return Stores.settings(Codec.of("bf16"), TeacherRows.STRICT, HIDDEN, shards);
    }

    private static StoreTables tables(int generation, List<String> tokens) {
        String own = StoreLayout.folder(generation) + "/";
        return new StoreTables(tokens, List.of("quarantine"), own + "vocabulary-aa.json", List.of());
    }

    private HiddenStateStore appended() throws IOException {
        HiddenStateStore first = first();
        HiddenStateStore begun = first.begin(Generation.of(2, Operation.APPEND, 1, List.of(2), settings(3),
                tables(2, List.of("tokens", "generations/00002/tokens-aa"))));
        Stores.commit(begun, 2, List.of(Stores.sample("d", 40, HIDDEN, 4)));
        return HiddenStateStore.openPending(folder.toString(), conf).orElseThrow().complete();
    }

    /** The second shard is written again without its only conversation. */
    private HiddenStateStore forgotten() throws IOException {
        HiddenStateStore second = appended();
        HiddenStateStore begun = second.begin(Generation.of(3, Operation.FORGET, 1, List.of(0), settings(3),
                tables(3, List.of("generations/00003/tokens-bb"))));
        Files.createDirectories(folder.resolve("generations/00003/tokens-bb"));
        Files.writeString(folder.resolve("generations/00003/tokens-bb/part-0.parquet"), "the rest");
        Files.writeString(folder.resolve("generations/00003/vocabulary-aa.json"), "{}");
        Stores.commit(begun, 0, List.of(Stores.sample("b", 20, HIDDEN, 2)));
        return HiddenStateStore.openPending(folder.toString(), conf).orElseThrow().complete();
    }

    private Map<String, Object> everyFile() throws IOException {
        Map<String, Object> files = new TreeMap<>();
        try (Stream<Path> all = Files.walk(folder)) {
            for (Path file : all.filter(Files::isRegularFile).toList()) {
                files.put(folder.relativize(file).toString(),
                        List.of(Files.getLastModifiedTime(file), new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1)));
            }
        }
        return files;
    }

    private static List<String> ids(HiddenStateStore store) {
        return store.conversations(Part.TRAIN).map(ConversationEntry::id).toList();
    }

    @Test
    void aGenerationIsSeenOnceItIsCompleteAndChangesNoFile() throws IOException {
        HiddenStateStore first = first();
        Map<String, Object> before = everyFile();
        HiddenStateStore begun = first.begin(Generation.of(2, Operation.APPEND, 1, List.of(2, 3), settings(4),
                tables(2, List.of("tokens"))));
        assertEquals(List.of(2, 3), begun.missingShards());
        Stores.commit(begun, 2, List.of(Stores.sample("d", 40, HIDDEN, 4)));
        assertEquals(List.of("a", "b", "c"), ids(HiddenStateStore.open(folder.toString(), conf)));
        assertEquals(1, HiddenStateStore.open(folder.toString(), conf).generation());
        HiddenStateStore resumed = HiddenStateStore.openPending(folder.toString(), conf).orElseThrow();
        assertEquals(List.of(3), resumed.missingShards());
        assertThrows(InvalidStoreException.class, resumed::complete);
        assertEquals(List.of(), resumed.orphans());
        Stores.commit(resumed, 3, List.of(Stores.sample("e", 4, HIDDEN, 5)));
        resumed.complete();
        assertTrue(HiddenStateStore.openPending(folder.toString(), conf).isEmpty());
        HiddenStateStore second = HiddenStateStore.open(folder.toString(), conf);
        assertEquals(2, second.generation());
        assertEquals(List.of("a", "b", "c", "d", "e"), ids(second));
        assertEquals(List.of(), StoreVerification.of(second).problems());
        HiddenStateStore old = HiddenStateStore.open(folder.toString(), conf, 1);
        assertEquals(List.of("a", "b", "c"), ids(old));
        assertEquals(List.of(), StoreVerification.of(old).problems());
        Map<String, Object> after = everyFile();
        before.forEach((name, content) -> assertEquals(content, after.get(name), name));
    }

    @Test
    void ofTwoThatBeginAGenerationOneWins() throws IOException {
        HiddenStateStore first = first();
        Generation mine = Generation.of(2, Operation.APPEND, 1, List.of(2), settings(3), tables(2, List.of("tokens")));
        Generation other = Generation.of(2, Operation.FORGET, 1, List.of(0), settings(2), tables(2, List.of("tokens")));
        assertEquals(mine, first.begin(mine).changes().orElseThrow());
        assertEquals(mine, first.begin(other).changes().orElseThrow());
    }

    @Test
    void aGenerationThatIsNotThereIsRefused() throws IOException {
        appended();
        for (int wrong : new int[] {0, 3, -1}) {
            String message = assertThrows(InvalidStoreException.class,
                    () -> HiddenStateStore.open(folder.toString(), conf, wrong)).getMessage();
            assertTrue(message.endsWith(": it has no generation " + wrong + " (expected 1 to 2)"), message);
        }
    }

    @Test
    void whatIsForgottenStaysUntilVacuumAndIsGoneAfterIt() throws IOException {
        HiddenStateStore third = forgotten();
        assertEquals(List.of("b", "c", "d"), ids(third));
        assertEquals(List.of("a", "b", "c", "d"), ids(HiddenStateStore.open(folder.toString(), conf, 2)));
        assertEquals(List.of(), third.orphans());
        String old = HiddenStateStore.open(folder.toString(), conf, 1).shards().get(0).path();

        StoreVacuum.Result early = StoreVacuum.of(folder.toString(), conf).run(Duration.ofHours(1));
        assertEquals(new StoreVacuum.Result(List.of(), true), early);
        assertEquals(3, HiddenStateStore.open(folder.toString(), conf, 1).conversations(Part.TRAIN).count());

        StoreVacuum.Result done = StoreVacuum.of(folder.toString(), conf).run(Duration.ZERO);
        assertFalse(done.waiting());
        assertEquals(List.of("_manifest.json", "generations/00002/_manifest.json", old, "tokens", "vocabulary.json",
                "_committed/shard-00000.json").stream().sorted().toList(), done.names().stream().sorted().toList());
        HiddenStateStore now = HiddenStateStore.open(folder.toString(), conf);
        assertEquals(List.of("b", "c", "d"), ids(now));
        assertEquals(List.of(), StoreVerification.of(now).problems());
        assertEquals(List.of(), now.orphans());
        for (int gone : new int[] {1, 2}) {
            String message = assertThrows(InvalidStoreException.class,
                    () -> HiddenStateStore.open(folder.toString(), conf, gone)).getMessage();
            assertTrue(message.contains("generation " + gone + " held conversations that were removed for good"), message);
        }
        assertEquals(List.of(), StoreVacuum.of(folder.toString(), conf).run(Duration.ZERO).names());
    }

    @Test
    void vacuumDeletesWhatNoGenerationNames() throws IOException {
        HiddenStateStore second = appended();
        ShardWriter lost = second.writer(2);
        Stores.write(lost, Stores.sample("lost", 30, HIDDEN, 9));
        List<String> left = new ArrayList<>(List.of("generations/00002/tokens-cc", "generations/00003/quarantine-dd", "_tokens-ee"));
        for (String name : left) {
            Files.createDirectories(folder.resolve(name));
            Files.writeString(folder.resolve(name).resolve("part-0.parquet"), "text");
        }
        Files.writeString(folder.resolve("._manifest.json.ff"), "text");
        left.add("._manifest.json.ff");
        List<String> deleted = StoreVacuum.of(folder.toString(), conf).run(Duration.ZERO).names();
        assertTrue(deleted.containsAll(left), deleted::toString);
        assertEquals(left.size() + 1, deleted.size(), deleted::toString);
        lost.close();
        assertEquals(List.of(), StoreVerification.of(HiddenStateStore.open(folder.toString(), conf)).problems());
    }

    @Test
    void markersAndManifestOfALaterGenerationAreRestored() throws IOException {
        HiddenStateStore third = forgotten();
        Files.delete(folder.resolve("generations/00003/_committed/shard-00000.json"));
        Files.writeString(folder.resolve("generations/00002/_committed/shard-00002.json"), "{");
        assertEquals(2, HiddenStateStore.restoreMarkers(folder.toString(), conf).size());
        assertEquals(List.of(), StoreVerification.of(HiddenStateStore.open(folder.toString(), conf)).problems());
        Files.writeString(folder.resolve("generations/00003/_manifest.json"), "{");
        assertEquals(1, HiddenStateStore.restoreMarkers(folder.toString(), conf).size());
        assertEquals(third.shards(), HiddenStateStore.open(folder.toString(), conf).shards());
    }

    @Test
    void ranksFindTheMarkersOfTheirGeneration() throws IOException {
        HiddenStateStore third = forgotten();
        HiddenStateStore first = HiddenStateStore.open(folder.toString(), conf, 1);
        for (int shard = 0; shard < 2; shard++) {
            assertEquals(first.shards().get(shard), StoreShards.of(folder.toString(), conf, 1).find(shard).orElseThrow());
            assertEquals(third.shards().get(shard), StoreShards.of(folder.toString(), conf, 3).find(shard).orElseThrow());
        }
        assertEquals(third.shards().get(0), StoreShards.of(folder.toString(), conf).find(0).orElseThrow());
    }

    @Test
    void aDamagedGenerationIsRefused() throws IOException {
        appended();
        Path file = folder.resolve("generations/00002/generation.json");
        byte[] whole = Files.readAllBytes(file);
        for (String damaged : List.of("", "{", "{\"format_version\": 1}", new String(whole).replace("\"generation\" : 2", "\"generation\" : 3"),
                new String(whole).replace("generations/00002/tokens-aa", "../elsewhere"))) {
            Files.writeString(file, damaged);
            String message = assertThrows(InvalidStoreException.class,
                    () -> HiddenStateStore.open(folder.toString(), conf)).getMessage();
            assertTrue(message.contains("generations/00002/generation.json"), message);
        }
        Files.write(file, whole);
        assertArrayEquals(new int[] {2}, new int[] {HiddenStateStore.open(folder.toString(), conf).generation()});
    }
}
