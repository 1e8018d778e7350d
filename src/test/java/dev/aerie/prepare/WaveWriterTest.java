package dev.aerie.prepare;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.aerie.errors.RefusalException;
import dev.aerie.store.Codec;
import dev.aerie.store.CommittedShard;
import dev.aerie.store.Container;
import dev.aerie.store.Fingerprints;
import dev.aerie.store.HiddenStateStore;
import dev.aerie.store.Part;
import dev.aerie.store.PlannedCounts;
import dev.aerie.store.RefusedConversation;
import dev.aerie.store.ShardWriter;
import dev.aerie.store.StateLayout;
import dev.aerie.store.StoreSettings;
import dev.aerie.store.TeacherRows;
import dev.aerie.target.HiddenStates;
import dev.aerie.text.TokenSequence;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.TaskKilledException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WaveWriterTest {

    private static final int HIDDEN = 16;
    private static final RefusalLimit ANY = new RefusalLimit(1, 1000);

    @TempDir
    Path folder;

    private HiddenStateStore store(String name) throws IOException {
        String sha = "a".repeat(64);
        return HiddenStateStore.create(folder.resolve(name).toString(), new Configuration(), StoreSettings.of(
                new Fingerprints(sha, sha, sha, sha, sha),
                new StateLayout(HIDDEN, List.of(0, 2), TeacherRows.ALL, Codec.of("bf16"), Container.PARQUET),
                new PlannedCounts(1, 100, 0, 1000)));
    }

    private static TokenizedRow row(int number, int tokens) {
        boolean[] mask = new boolean[tokens];
        Arrays.fill(mask, true);
        return new TokenizedRow(number, "c" + number, "test", Part.TRAIN, new TokenSequence(new int[tokens], mask));
    }

    /** A micro-batch of two conversations, whose states are of the innermost scope; NaN in the first where asked for. */
    private static WaveWriter.Batch batch(int number, int tokens, boolean nan) {
        Tensor aux = Tensor.randomNormal(number, 1, 2L * tokens, 2 * HIDDEN);
        if (nan) {
            aux.narrow(0, 0, 1).mul_(Double.NaN);
        }
        return new WaveWriter.Batch(List.of(row(2 * number, tokens), row(2 * number + 1, tokens)),
                new long[] {0, tokens, 2L * tokens},
                new HiddenStates(aux, Tensor.randomNormal(number + 100, 1, 2L * tokens, HIDDEN)));
    }

    @Test
    void wavesAreWrittenInOrderWithTheBytesOfOneThread() throws IOException {
        CommittedShard alone;
        try (ShardWriter writer = store("alone").writer(0); Scope scope = Scope.open()) {
            for (int n = 0; n < 20; n++) {
                WaveWriter.Batch batch = batch(n, 7, false);
                for (int i = 0; i < 2; i++) {
                    TokenizedRow row = batch.rows().get(i);
                    writer.write(row.id(), row.part(), row.sequence(), batch.states().aux().narrow(0, 7L * i, 7),
                            batch.states().last().narrow(0, 7L * i, 7));
                }
            }
            alone = writer.commit().shard();
        }
        long before = Scope.liveTensors();
        try (ShardWriter writer = store("waves").writer(0); WaveWriter waves = new WaveWriter(writer, ANY)) {
            for (int n = 0; n < 20; n += 2) {
                // The caller's scope ends while the wave is being written.
                try (Scope scope = Scope.open()) {
                    waves.write(List.of(batch(n, 7, false), batch(n + 1, 7, false)));
                }
            }
            waves.finish();
            assertEquals(before, Scope.liveTensors());
            assertTrue(waves.waitNanos() > 0);
            CommittedShard shard = writer.commit().shard();
            assertEquals(alone.sha256(), shard.sha256());
            assertEquals(alone.conversations(), shard.conversations());
        }
    }

    @Test
    void refusalsKeepTheirOrder() throws IOException {
        try (ShardWriter writer = store("store").writer(0); WaveWriter waves = new WaveWriter(writer, ANY)) {
            for (int n = 0; n < 3; n++) {
                waves.refuse(row(100 + n, 3), "no room");
                try (Scope scope = Scope.open()) {
                    waves.write(List.of(batch(n, 3, true)));
                }
            }
            waves.refuse(row(200, 3), "no room");
            waves.finish();
            assertEquals(List.of("c100", "c0", "c101", "c2", "c102", "c4", "c200"),
                    writer.refused().stream().map(RefusedConversation::id).toList());
        }
    }

    @Test
    void failuresReachTheTaskAndFreeTheStates() throws IOException {
        long before = Scope.liveTensors();
        try (ShardWriter writer = store("closed").writer(0); WaveWriter waves = new WaveWriter(writer, ANY)) {
            writer.close();
            try (Scope scope = Scope.open()) {
                waves.write(List.of(batch(0, 3, false)));
            }
            try (Scope scope = Scope.open()) {
                List<WaveWriter.Batch> next = List.of(batch(1, 3, false));
                assertTrue(assertThrows(IllegalStateException.class, () -> waves.write(next)).getMessage()
                        .contains("is finished"));
            }
        }
        try (ShardWriter writer = store("refusing").writer(0);
                WaveWriter waves = new WaveWriter(writer, new RefusalLimit(0, 1000))) {
            try (Scope scope = Scope.open()) {
                waves.write(List.of(batch(0, 3, true)));
            }
            assertThrows(RefusalException.class, waves::finish);
        }
        assertEquals(before, Scope.liveTensors());
    }

    @Test
    void aWaveThatIsNotWrittenInTimeIsAnError() throws IOException {
        long before = Scope.liveTensors();
        try (ShardWriter writer = store("slow").writer(0);
                WaveWriter waves = new WaveWriter(writer, ANY, Duration.ofMillis(1))) {
            try (Scope scope = Scope.open()) {
                waves.write(List.of(batch(0, 50_000, false)));
            }
            String said = assertThrows(IOException.class, waves::finish).getMessage();
            assertTrue(said.startsWith("Writing a wave of shard 0 took longer than "), said);
        }
        assertEquals(before, Scope.liveTensors());
    }

    @Test
    void aTaskThatIsKilledWaitsForItsWriter() throws IOException {
        long before = Scope.liveTensors();
        try (ShardWriter writer = store("killed").writer(0); WaveWriter waves = new WaveWriter(writer, ANY)) {
            try (Scope scope = Scope.open()) {
                waves.write(List.of(batch(0, 20_000, false)));
            }
            Thread.currentThread().interrupt();
            assertThrows(TaskKilledException.class, waves::finish);
        }
        assertTrue(Thread.interrupted());
        assertEquals(before, Scope.liveTensors());
    }
}
