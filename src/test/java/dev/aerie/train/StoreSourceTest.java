package dev.aerie.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.aerie.draft.TrainingBatch;
import dev.aerie.errors.RefusalException;
import dev.aerie.store.Codec;
import dev.aerie.store.Container;
import dev.aerie.store.ConversationEntry;
import dev.aerie.store.Fingerprints;
import dev.aerie.store.HiddenStateStore;
import dev.aerie.store.Part;
import dev.aerie.store.PlannedCounts;
import dev.aerie.store.ShardWriter;
import dev.aerie.store.StateLayout;
import dev.aerie.store.StateSelection;
import dev.aerie.store.StorePlan;
import dev.aerie.store.StoreSettings;
import dev.aerie.store.StoreShards;
import dev.aerie.store.TeacherRows;
import dev.aerie.text.TokenSequence;
import dev.aerie.torch.Device;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.function.IntPredicate;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StoreSourceTest {

    private static final long SEED = 3;
    private static final int HIDDEN = 4;
    private static final List<Integer> LAYERS = List.of(1, 2, 3);

    @TempDir
    Path folder;

    private record Sample(Part part, int[] ids, boolean[] supervised, float[] aux, float[] last) {}

    private final List<Sample> samples = new ArrayList<>();
    /** Where a conversation of the second shard is refused. */
    private int refusedPlace = -1;

    /** Two shards of seven conversations each, one in three held out. */
    private HiddenStateStore store() throws IOException {
        Random random = new Random(SEED);
        StoreSettings settings = StoreSettings.of(
                new Fingerprints("a".repeat(64), "b".repeat(64), "c".repeat(64), "d".repeat(64), "e".repeat(64)),
                new StateLayout(HIDDEN, LAYERS, TeacherRows.STRICT, Codec.of("f32"), Container.PARQUET),
                        new PlannedCounts(2, 14, 4, 1000));
        Configuration conf = new Configuration();
        HiddenStateStore store = HiddenStateStore.create(folder.toString(), conf, settings);
        for (int shard = 0; shard < 2; shard++) {
            try (ShardWriter writer = store.writer(shard); Scope scope = Scope.open()) {
                for (int c = 0; c < 7; c++) {
                    if (c == refusedPlace && shard == 1) {
                        writer.refuse("refused", Part.TRAIN, 77, "NaN");
                    }
                    int n = 2 + random.nextInt(600);
                    Sample s = new Sample(c % 3 == 2 ? Part.HELD_OUT : Part.TRAIN, random.ints(n, 0, 99).toArray(),
                            new boolean[n], values(random, n * 3 * HIDDEN), values(random, n * HIDDEN));
                    for (int t = 0; t < n; t++) {
                        s.supervised[t] = random.nextInt(4) > 0;
                    }
                    samples.add(s);
                    writer.write("s" + shard + "c" + c, s.part, new TokenSequence(s.ids, s.supervised),
                            Tensor.of(s.aux, n, 3 * HIDDEN),
                            Tensor.of(s.last, n, HIDDEN));
                }
                writer.commit();
            }
        }
        return store.complete();
    }

    private StoreSource source(IntPredicate trained) throws IOException {
        HiddenStateStore store = store();
        List<String> ids = store.conversations(Part.TRAIN).map(ConversationEntry::id).toList();
        Set<String> used = IntStream.range(0, ids.size()).filter(trained).mapToObj(ids::get).collect(Collectors.toSet());
        used.add("refused");
        ShardedPlan plan = ShardedPlan.of(StorePlan.of(store, used));
        return new StoreSource(StoreShards.of(folder.toString(), new Configuration()), plan, new StateSelection(LAYERS, true));
    }

    private static float[] values(Random random, int n) {
        float[] out = new float[n];
        for (int i = 0; i < n; i++) {
            out[i] = random.nextFloat();
        }
        return out;
    }

    @Test
    void readsConversationsOfAPartInAnyOrder() throws Exception {
        try (HiddenStateSource source = source(n -> true)) {
            for (Part part : Part.values()) {
                List<Sample> expected = samples.stream().filter(s -> s.part == part).toList();
                assertArrayEquals(expected.stream().mapToInt(s -> s.ids.length).toArray(), source.lengths(part));
                int[] order = IntStream.range(0, 20).map(i -> i * 7 % expected.size()).toArray();
                try (ReadAhead reading = new ReadAhead(source, part, IntStream.of(order).iterator(),
                        CorruptChunks.STOP, why -> {});
                        Scope scope = Scope.open()) {
                    for (int index : order) {
                        Sample s = expected.get(index);
                        TrainingSample c = reading.next().orElseThrow();
                        assertArrayEquals(s.ids, c.sequence().inputIds());
                        assertArrayEquals(s.supervised, c.sequence().lossMask());
                        assertArrayEquals(s.aux, c.aux().toFloats());
                        assertArrayEquals(TeacherRows.STRICT.of(s.supervised), c.teacherRows());
                        float[] states = c.teacherStates().toFloats();
                        for (int r = 0; r < c.teacherRows().length; r++) {
                            assertEquals(s.last[c.teacherRows()[r] * HIDDEN + 1], states[r * HIDDEN + 1]);
                        }
                    }
                }
            }
        }
    }

    @Test
    void leavesOutWhatIsNotTrainedOn() throws Exception {
        List<Sample> all = new ArrayList<>();
        try (HiddenStateSource source = source(n -> n % 3 == 1)) {
            samples.stream().filter(s -> s.part == Part.TRAIN).forEach(all::add);
            int[] used = IntStream.range(0, all.size()).filter(n -> n % 3 == 1).toArray();
            assertArrayEquals(IntStream.of(used).map(n -> all.get(n).ids.length).toArray(), source.lengths(Part.TRAIN));
            assertArrayEquals(all.get(used[1]).ids, source.read(Part.TRAIN, 1).orElseThrow().sequence().inputIds());
            assertEquals(samples.size() - all.size(), source.lengths(Part.HELD_OUT).length);
        }
    }

    /** Steps follow from the plan: the batches are the same whether a conversation of theirs has states or not. */
    @Test
    void aConversationThatWasRefusedIsPlannedAndEmpty() throws Exception {
        refusedPlace = 3;
        try (StoreSource source = source(n -> true)) {
            int[] lengths = source.lengths(Part.TRAIN);
            List<Sample> train = samples.stream().filter(s -> s.part == Part.TRAIN).toList();
            assertEquals(train.size() + 1, lengths.length);
            // The first shard has five, the second two before it.
            assertEquals(77, lengths[7]);
            assertArrayEquals(new int[] {0, 5, 11}, source.shardStarts());
            assertEquals(Optional.empty(), source.read(Part.TRAIN, 7));
            assertArrayEquals(train.get(6).ids, source.read(Part.TRAIN, 6).orElseThrow().sequence().inputIds());
            assertArrayEquals(train.get(7).ids, source.read(Part.TRAIN, 8).orElseThrow().sequence().inputIds());
        }
    }

    @Test
    void packsConversationsEndToEnd() throws Exception {
        try (HiddenStateSource source = source(n -> true); Scope scope = Scope.open()) {
            List<Sample> train = samples.stream().filter(s -> s.part == Part.TRAIN).toList();
            TrainingBatch batch =
                    new MicroBatch(List.of(source.read(Part.TRAIN, 3).orElseThrow(), source.read(Part.TRAIN, 0).orElseThrow())).pack(Device.CPU);
            int first = train.get(3).ids.length;
            int second = train.get(0).ids.length;
            assertArrayEquals(new long[] {0, first, first + second}, batch.cuSeqlens());
            assertEquals(train.get(0).ids[1], batch.inputIds()[first + 1]);
            assertEquals(train.get(0).supervised[1], batch.lossMask()[first + 1]);
            assertEquals(train.get(0).aux[5], batch.aux().narrow(0, first, second).toFloats()[5]);
            int[] rows = TeacherRows.STRICT.of(train.get(0).supervised);
            assertEquals(first + rows[rows.length - 1], batch.teacherRows()[batch.teacherRows().length - 1]);
        }
    }

    @Test
    void refusesAStoreThatIsNotWhole() throws Exception {
        store();
        Path marker = folder.resolve("_committed").resolve("shard-00001.json");
        java.nio.file.Files.delete(marker);
        java.nio.file.Files.delete(folder.resolve("_manifest.json"));
        assertThrows(RefusalException.class, () -> HiddenStateStore.open(folder.toString(), new Configuration()));
    }
}
