package dev.aerie.store;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.aerie.torch.DType;
import dev.aerie.torch.Scope;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ThreadLocalRandom;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class StateMemoryTest {

    private static final int HIDDEN = 64;
    private static final long MEGABYTES = 1 << 20;

    @TempDir
    Path folder;

    private final long seed = ThreadLocalRandom.current().nextLong();

    private HiddenStateStore store(Container container, List<Stores.Sample> samples) throws IOException {
        HiddenStateStore store = HiddenStateStore.create(folder.toString(), new Configuration(),
                Stores.settings(container, Codec.of("bf16"), TeacherRows.ALL, HIDDEN, 1));
        Stores.commit(store, 0, samples);
        return store.complete();
    }

    /** Conversations in any order, some of them held while others are read: what one has is never another's. */
    @ParameterizedTest
    @EnumSource
    void usedMemoryHoldsTheNextStates(Container container) throws IOException {
        Random random = new Random(seed);
        List<Stores.Sample> samples = Stores.samples(seed, HIDDEN, 300, 1, 700, 256, 2000, 40);
        HiddenStateStore store = store(container, samples);
        long before = Scope.liveTensors();
        CommittedShard shard = store.shards().get(0);
        try (ShardReader reader = store.reader(shard); StateMemory memory = new StateMemory(DType.BF16, 2 * MEGABYTES)) {
            List<Integer> held = new ArrayList<>();
            List<DecodedStates> states = new ArrayList<>();
            for (int i = 0; i < 100; i++) {
                int next = random.nextInt(samples.size());
                held.add(next);
                states.add(memory.decode(reader.read(shard.conversations().get(next))));
                while (states.size() > random.nextInt(5)) {
                    int one = random.nextInt(states.size());
                    Stores.Sample expected = samples.get(held.remove(one));
                    try (DecodedStates found = states.remove(one)) {
                        assertArrayEquals(expected.aux(), found.aux().toFloats(), expected.id() + ", seed " + seed);
                        assertArrayEquals(expected.last(), found.teacherStates().toFloats(), expected.id() + ", seed " + seed);
                    }
                }
            }
            Collections.reverse(states);
            states.forEach(DecodedStates::close);
            states.forEach(DecodedStates::close);
        }
        assertEquals(before, Scope.liveTensors());
    }

    @Test
    void memoryInUseIsKeptWhenTheOthersAreFreed() throws IOException {
        List<Stores.Sample> samples = Stores.samples(seed, HIDDEN, 300);
        HiddenStateStore store = store(Container.ARROW, samples);
        CommittedShard shard = store.shards().get(0);
        long before = Scope.liveTensors();
        StateMemory memory = new StateMemory(DType.BF16, MEGABYTES);
        try (ShardReader reader = store.reader(shard)) {
            DecodedStates kept = memory.decode(reader.read(shard.conversations().get(0)));
            memory.close();
            assertArrayEquals(samples.get(0).aux(), kept.aux().toFloats());
            kept.close();
            assertThrows(IllegalStateException.class, () -> kept.aux().toFloats(), "it is closed");
        }
        assertEquals(before, Scope.liveTensors());
    }

    @Test
    void onlyWhatWasReadIsDecoded() throws IOException {
        HiddenStateStore store = store(Container.PARQUET, Stores.samples(seed, HIDDEN, 30));
        CommittedShard shard = store.shards().get(0);
        try (ShardReader reader = store.reader(shard, StateSelection.NONE);
                StateMemory memory = new StateMemory(DType.BF16, MEGABYTES);
                DecodedStates none = memory.decode(reader.read(shard.conversations().get(0)))) {
            assertNull(none.aux());
            assertNull(none.teacherStates());
        }
    }
}
