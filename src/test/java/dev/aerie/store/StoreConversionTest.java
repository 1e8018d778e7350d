package dev.aerie.store;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.aerie.store.Stores.Sample;
import dev.aerie.torch.Scope;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StoreConversionTest {

    private static final int HIDDEN = 72;

    @TempDir
    Path folder;

    private final long seed = ThreadLocalRandom.current().nextLong();
    private final Configuration conf = new Configuration();

    /** Three shards, a refused conversation, a date, and what lies beside the shards. */
    private HiddenStateStore source(String name, Codec codec, Container container) throws IOException {
        Path path = folder.resolve(name);
        HiddenStateStore store = HiddenStateStore.create(path.toString(), conf,
                Stores.settings(container, codec, TeacherRows.STRICT, HIDDEN, 3).dated("2026-01-02"));
        for (int shard = 0; shard < 3; shard++) {
            try (ShardWriter writer = store.writer(shard)) {
                writer.refuse("refused" + shard, Part.TRAIN, 5, "NaN");
                for (int length : new int[] {1, 300, 40}) {
                    Stores.write(writer, Stores.sample(shard + "-" + length, length, HIDDEN, seed + shard));
                }
                Sample held = Stores.sample("held" + shard, 20, HIDDEN, seed);
                Stores.write(writer, new Sample(held.id(), Part.HELD_OUT, held.ids(), held.supervised(), held.aux(), held.last()));
                writer.commit();
            }
        }
        for (String file : List.of("vocabulary.json", "ingest.json", "recipe.yaml", "tokens/_inputs.json", "tokens/part-0.parquet",
                "quarantine/_inputs.json", "quarantine/part-0.parquet", "quarantine/_SUCCESS")) {
            Files.createDirectories(path.resolve(file).getParent());
            Files.writeString(path.resolve(file), file);
        }
        return store.complete();
    }

    private HiddenStateStore convert(HiddenStateStore from, String name, String codec, Container container) throws IOException {
        return run(StoreConversion.begin(from, folder.resolve(name).toString(), conf, Codec.of(codec), container));
    }

    private HiddenStateStore run(StoreConversion conversion) throws IOException {
        for (ShardConversion shard : conversion.missing()) {
            shard.run(conf);
        }
        return conversion.finish();
    }

    private static List<Integer> missing(StoreConversion conversion) {
        return conversion.missing().stream().map(ShardConversion::shard).toList();
    }

    private static List<StoredConversation> all(HiddenStateStore store) {
        List<StoredConversation> all = new ArrayList<>();
        for (CommittedShard shard : store.shards()) {
            try (ShardReader reader = store.reader(shard)) {
                for (Optional<StoredConversation> c = reader.next(); c.isPresent(); c = reader.next()) {
                    all.add(c.get());
                }
            }
        }
        return all;
    }

    @Test
    void betweenAllCodecsAndContainers() throws IOException {
        List<String> codecs = List.of("bf16", "fp8", "int8", "f32");
        for (String codec : codecs) {
            HiddenStateStore from = source(codec, Codec.of(codec), Container.PARQUET);
            List<StoredConversation> before = all(from);
            for (String other : codecs) {
                for (Container container : Container.values()) {
                    if (other.equals(codec) && container == Container.PARQUET) {
                        continue;
                    }
                    String name = codec + "-" + other + "-" + container;
                    HiddenStateStore to = convert(from, name, other, container);
                    assertEquals(List.of(), StoreVerification.of(to).problems(), name);
                    assertEquals(from.settings().fingerprints(), to.settings().fingerprints());
                    assertEquals(from.settings().planned(), to.settings().planned());
                    assertEquals("2026-01-02", to.settings().date());
                    for (int shard = 0; shard < 3; shard++) {
                        assertEquals(from.shards().get(shard).conversations(), to.shards().get(shard).conversations());
                        assertEquals(from.shards().get(shard).refused(), to.shards().get(shard).refused());
                    }
                    List<StoredConversation> after = all(to);
                    for (int i = 0; i < before.size(); i++) {
                        assertConverted(before.get(i), after.get(i), Codec.of(codec), Codec.of(other), name);
                    }
                    for (String file : List.of("vocabulary.json", "recipe.yaml", "tokens/part-0.parquet", "quarantine/_inputs.json")) {
                        assertEquals(file, Files.readString(folder.resolve(name).resolve(file)));
                    }
                }
            }
        }
    }

    private void assertConverted(StoredConversation before, StoredConversation after, Codec from, Codec to, String name) {
        try (Scope scope = Scope.open()) {
            String where = before.id() + " of " + name + ", seed " + seed;
            assertEquals(before.id(), after.id(), where);
            assertArrayEquals(before.sequence().inputIds(), after.sequence().inputIds(), where);
            assertArrayEquals(before.sequence().lossMask(), after.sequence().lossMask(), where);
            float[] expected = before.aux().toFloats();
            float[] found = after.aux().toFloats();
            if (new StateConversion(from, to, HIDDEN).isLossless()) {
                assertArrayEquals(expected, found, where);
                assertArrayEquals(before.teacherStates().toFloats(), after.teacherStates().toFloats(), where);
            } else {
                // The coarsest: fp8's sixteenth of a state, int8's half of a 127th of the largest of its group.
                float[] groups = largestOfGroups(expected);
                for (int i = 0; i < expected.length; i++) {
                    float error = Math.abs(expected[i] - found[i]);
                    assertTrue(error <= Math.abs(expected[i]) / 16 + groups[i] / 200, where + ": " + expected[i] + ", " + found[i]);
                }
            }
        }
    }

    private static float[] largestOfGroups(float[] states) {
        float[] out = new float[states.length];
        for (int row = 0; row < states.length; row += HIDDEN) {
            for (int c = 0; c < HIDDEN; c += 64) {
                int to = row + Math.min(HIDDEN, c + 64);
                float largest = 0;
                for (int i = row + c; i < to; i++) {
                    largest = Math.max(largest, Math.abs(states[i]));
                }
                Arrays.fill(out, row + c, to, largest);
            }
        }
        return out;
    }

    /** There and back: the same bytes in the same format, so the same SHA-256. */
    @Test
    void backAgainGivesTheSameShards() throws IOException {
        HiddenStateStore from = source("from", Codec.of("bf16"), Container.PARQUET);
        HiddenStateStore arrow = convert(from, "arrow", "bf16", Container.ARROW);
        HiddenStateStore wide = convert(arrow, "wide", "f32", Container.ARROW);
        HiddenStateStore back = convert(wide, "back", "bf16", Container.PARQUET);
        for (int shard = 0; shard < 3; shard++) {
            assertEquals(from.shards().get(shard).sha256(), back.shards().get(shard).sha256());
        }
        assertEquals(from.settings().states(), back.settings().states());
    }

    @Test
    void goesOnWhereItStopped() throws IOException {
        HiddenStateStore from = source("from", Codec.of("bf16"), Container.PARQUET);
        String to = folder.resolve("to").toString();
        StoreConversion stopped = StoreConversion.begin(from, to, conf, Codec.of("fp8"), Container.ARROW);
        for (ShardConversion shard : stopped.missing().subList(0, 2)) {
            shard.run(conf);
        }
        assertThrows(InvalidStoreException.class, stopped::finish);
        StoreConversion again = StoreConversion.begin(from, to, conf, Codec.of("fp8"), Container.ARROW);
        assertEquals(List.of(2), missing(again));
        // A second task of the same shard finds it done.
        assertEquals(Optional.empty(), stopped.missing().get(0).run(conf));
        HiddenStateStore whole = run(again);
        assertEquals(List.of(), StoreVerification.of(whole).problems());
        HiddenStateStore once = convert(from, "once", "fp8", Container.ARROW);
        for (int shard = 0; shard < 3; shard++) {
            assertEquals(once.shards().get(shard).sha256(), whole.shards().get(shard).sha256());
        }
        assertEquals(List.of(), StoreConversion.begin(from, to, conf, Codec.of("fp8"), Container.ARROW).missing());
    }

    @Test
    void otherFoldersAreRefused() throws IOException {
        HiddenStateStore from = source("from", Codec.of("bf16"), Container.PARQUET);
        HiddenStateStore other = source("other", Codec.of("bf16"), Container.ARROW);
        assertRefused("it is bf16 in parquet (expected another codec or container)", from, "to", "bf16", Container.PARQUET);
        assertFalse(Files.exists(folder.resolve("to")));
        Files.createDirectories(folder.resolve("full"));
        Files.writeString(folder.resolve("full/notes.txt"), "mine");
        assertRefused("full holds notes.txt (expected a folder that is new, empty, or of the same conversion)", from, "full", "fp8",
                Container.PARQUET);
        assertRefused("other holds _committed (expected a folder that is new", from, "other", "fp8", Container.PARQUET);
        convert(from, "to", "fp8", Container.PARQUET);
        assertRefused("states.codec is fp8 (expected int8)", from, "to", "int8", Container.PARQUET);
        assertRefused("states.container is parquet (expected arrow)", from, "to", "fp8", Container.ARROW);
        assertRefused("to holds a conversion of " + from.uri() + ", whose shards are others (expected one of " + other.uri() + ")", other,
                "to", "fp8", Container.PARQUET);
        Files.writeString(folder.resolve("to/conversion.json"), "{}");
        assertRefused("conversion.json of ", from, "to", "fp8", Container.PARQUET);
    }

    private void assertRefused(String message, HiddenStateStore from, String to, String codec, Container container) {
        String found = assertThrows(InvalidStoreException.class, () -> convert(from, to, codec, container)).getMessage();
        assertTrue(found.contains(message), found);
    }

    @Test
    void aDamagedShardStopsItAndIsNotCommitted() throws IOException {
        for (Container container : Container.values()) {
            HiddenStateStore from = source("from-" + container, Codec.of("bf16"), container);
            Path file = folder.resolve("from-" + container).resolve(from.shards().get(1).path());
            byte[] sound = Files.readAllBytes(file);
            byte[] damaged = sound.clone();
            damaged[sound.length / 3] ^= 1;
            Files.write(file, damaged);
            String to = folder.resolve("to-" + container).toString();
            StoreConversion conversion = StoreConversion.begin(from, to, conf, Codec.of("int8"), Container.ARROW);
            String message = assertThrows(InvalidStoreException.class, () -> run(conversion)).getMessage();
            assertTrue(message.contains(from.shards().get(1).path() + ": SHA-256 is "), message);
            HiddenStateStore begun = HiddenStateStore.openPartial(to, conf);
            assertEquals(List.of(1, 2), begun.missingShards());
            assertEquals(List.of(), begun.orphans());
            Files.write(file, sound);
            run(StoreConversion.begin(from, to, conf, Codec.of("int8"), Container.ARROW));
        }
    }

    /** What is read again differs from what was converted: no marker is written, and the file goes. */
    @Test
    void whatIsReadAgainIsCompared() throws IOException {
        HiddenStateStore from = source("from", Codec.of("f32"), Container.PARQUET);
        List<StoredConversation> read = all(from);
        for (String codec : List.of("bf16", "int8", "f32")) {
            StateConversion conversion = new StateConversion(Codec.of("f32"), Codec.of(codec), HIDDEN);
            Chunk chunk = read.get(1).chunks().get(0);
            EncodedStates right = conversion.convert(chunk.states().get(0), chunk.tokens());
            assertTrue(conversion.agrees(chunk.states().get(0), right, chunk.tokens()));
            EncodedStates wrong = EncodedStates.of(right.planes().stream().map(plane -> {
                byte[] bytes = new byte[plane.remaining()];
                plane.duplicate().get(bytes);
                bytes[bytes.length / 2] ^= 1;
                return bytes;
            }).toArray(byte[][]::new));
            assertFalse(conversion.agrees(chunk.states().get(0), wrong, chunk.tokens()), codec);
        }
    }

    /** Larger than bfloat16 can say. */
    @Test
    void statesThatBecomeInfiniteAreRefusedLikeThoseOfTheTarget() throws IOException {
        HiddenStateStore from = HiddenStateStore.create(folder.resolve("from").toString(), conf,
                Stores.settings(Codec.of("f32"), TeacherRows.ALL, HIDDEN, 1));
        Sample good = Stores.sample("good", 300, HIDDEN, seed);
        Sample huge = Stores.sample("huge", 300, HIDDEN, seed + 1);
        huge.aux()[280 * 3 * HIDDEN + HIDDEN + 3] = Float.MAX_VALUE;
        Sample last = Stores.sample("last", 300, HIDDEN, seed + 2);
        last.last()[299 * HIDDEN] = -Float.MAX_VALUE;
        Stores.commit(from, 0, List.of(huge, good, last));
        HiddenStateStore whole = from.complete();
        HiddenStateStore to = convert(whole, "to", "fp8", Container.PARQUET);
        assertEquals(List.of("good"), to.conversations(Part.TRAIN).map(ConversationEntry::id).toList());
        assertEquals(List.of(new RefusedConversation("huge", Part.TRAIN, 0, 300, "NaN or infinity in aux_03 at token 280"),
                new RefusedConversation("last", Part.TRAIN, 2, 300, "NaN or infinity in the final norm at token 299")),
                to.shards().get(0).refused());
        assertEquals(List.of(), StoreVerification.of(to).problems());
    }
}
