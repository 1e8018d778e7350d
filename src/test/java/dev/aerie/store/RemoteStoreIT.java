package dev.aerie.store;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.aerie.testing.RemoteFiles;
import dev.aerie.torch.Scope;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What {@link HiddenStateStoreTest} holds of the local disk, on an S3 and an HDFS. */
@Timeout(120)
class RemoteStoreIT {

    private static final int HIDDEN = 8;
    private final long seed = new Random().nextLong();

    private static HiddenStateStore create(RemoteFiles files, String uri, int shards) throws IOException {
        return HiddenStateStore.create(
                uri, files.conf(), Stores.settings(Codec.of("bf16"), TeacherRows.STRICT, HIDDEN, shards));
    }

    @ParameterizedTest
    @EnumSource
    void oneOfTwoRacingAttemptsWinsEveryShard(RemoteFiles files) throws Exception {
        int shards = 15;
        String uri = files.newFolder();
        HiddenStateStore store = create(files, uri, shards);
        List<Stores.Sample> samples = Stores.samples(seed, HIDDEN, 40, 300);
        ExecutorService threads = Executors.newFixedThreadPool(2);
        try {
            for (int i = 0; i < shards; i++) {
                int shard = i;
                CountDownLatch ready = new CountDownLatch(2);
                List<Future<ShardWriter.Commit>> commits = new ArrayList<>();
                for (int attempt = 0; attempt < 2; attempt++) {
                    commits.add(threads.submit(() -> {
                        try (ShardWriter writer = store.writer(shard)) {
                            for (Stores.Sample s : samples) {
                                Stores.write(writer, s);
                            }
                            ready.countDown();
                            assertTrue(ready.await(30, TimeUnit.SECONDS));
                            return writer.commit();
                        }
                    }));
                }
                ShardWriter.Commit first = commits.get(0).get(60, TimeUnit.SECONDS);
                ShardWriter.Commit second = commits.get(1).get(60, TimeUnit.SECONDS);
                assertTrue(first.won() ^ second.won(), "shard " + shard + ", seed " + seed);
                assertEquals(first.shard(), second.shard());
            }
        } finally {
            threads.shutdownNow();
        }
        assertEquals(List.of(), store.orphans());
        HiddenStateStore whole = store.complete();
        assertEquals(shards, names(files, uri, "shards").size());
        assertEquals(shards, names(files, uri, "_committed").size());
        assertEquals(whole.shards(), HiddenStateStore.open(uri, files.conf()).shards());
    }

    /** Its driver and tasks have died: one with its file open, one between its file and its marker. */
    @ParameterizedTest
    @EnumSource
    void goesOnWhereItStoppedAndRemovesWhatTheDeadLeft(RemoteFiles files) throws IOException {
        String uri = files.newFolder();
        HiddenStateStore store = create(files, uri, 3);
        CommittedShard done = Stores.commit(store, 1, Stores.samples(seed, HIDDEN, 40));
        FileSystem fs = new Path(uri).getFileSystem(files.conf());
        Path orphan = new Path(uri, "shards/shard-00000-0123456789ab.parquet");
        write(fs, orphan, read(fs, new Path(uri, done.path())));
        ShardWriter open = store.writer(2);
        Stores.write(open, Stores.sample("lost", 300, HIDDEN, seed));

        HiddenStateStore growing = HiddenStateStore.openPartial(uri, files.conf());
        assertEquals(List.of(done), growing.shards());
        assertEquals(List.of("c0"), ids(growing, done));
        String message = assertThrows(InvalidStoreException.class, () -> HiddenStateStore.open(uri, files.conf())).getMessage();
        assertEquals("Invalid store " + uri + ": 1 of 3 shards are committed (expected all; run prepare again to finish it)",
                message);

        HiddenStateStore resumed = create(files, uri, 3);
        assertEquals(List.of(0, 2), resumed.missingShards());
        assertTrue(HiddenStateStore.attempt(uri, files.conf(), 1).isEmpty());
        for (int shard : resumed.missingShards()) {
            try (ShardWriter writer = HiddenStateStore.attempt(uri, files.conf(), shard).orElseThrow()) {
                Stores.write(writer, Stores.sample("again " + shard, 30, HIDDEN, seed + shard));
                assertTrue(writer.commit().won());
            }
        }
        assertTrue(resumed.orphans().contains("shards/" + orphan.getName()), resumed.orphans()::toString);
        HiddenStateStore whole = resumed.complete();
        // An object is not there before it is closed, so the open file is an orphan on HDFS alone.
        assertEquals(files == RemoteFiles.S3 ? 1 : 2, whole.removeOrphans());
        assertEquals(3, names(files, uri, "shards").size());
        assertEquals(List.of(), StoreVerification.of(HiddenStateStore.open(uri, files.conf())).problems());
        closeQuietly(open);
        assertEquals(List.of(), whole.orphans());
    }

    /** The rest of a dead task, which may end with an error or not. */
    private static void closeQuietly(ShardWriter writer) {
        try {
            writer.close();
        } catch (IOException gone) {
            return;
        }
    }

    @ParameterizedTest
    @EnumSource
    void refusesAnotherTargetsStoreAndNamesDamage(RemoteFiles files) throws IOException {
        String uri = files.newFolder();
        assertFalse(HiddenStateStore.exists(uri, files.conf()));
        assertEquals("Invalid store " + uri + ": it has no store.json (expected a folder that prepare has written)",
                assertThrows(InvalidStoreException.class, () -> HiddenStateStore.openPartial(uri, files.conf())).getMessage());
        HiddenStateStore store = create(files, uri, 1);
        StoreSettings s = store.settings();
        Fingerprints f = s.fingerprints();
        Fingerprints other = new Fingerprints("9".repeat(64), f.tokenizer(), f.template(), f.inputs(), f.settings());
        assertEquals("Invalid store " + uri + ": fingerprints.target is " + "a".repeat(64) + " (expected " + "9".repeat(64) + ")",
                assertThrows(InvalidStoreException.class, () -> HiddenStateStore.create(uri, files.conf(), StoreSettings.of(
                        other, s.states(), s.planned()))).getMessage());

        CommittedShard shard = Stores.commit(store, 0, Stores.samples(seed, HIDDEN, 600, 20));
        store.complete();
        FileSystem fs = new Path(uri).getFileSystem(files.conf());
        Path file = new Path(uri, shard.path());
        byte[] sound = read(fs, file);
        byte[] flipped = sound.clone();
        flipped[sound.length / 3] ^= 4;
        write(fs, file, flipped);
        String name = "Invalid shard " + file + ": ";
        assertTrue(problem(files, uri).startsWith(name), problem(files, uri));
        assertEquals(2, StoreVerification.of(HiddenStateStore.open(uri, files.conf())).problems().size());
        write(fs, file, Arrays.copyOf(sound, sound.length - 100));
        assertEquals(name + (sound.length - 100) + " bytes (expected " + sound.length + ")", problem(files, uri));
        fs.delete(file, false);
        assertEquals(name + "no such file (expected the one its marker names)", problem(files, uri));
        assertEquals(2, StoreVerification.of(HiddenStateStore.open(uri, files.conf())).problems().size());
    }

    /** Where no file can be mapped, and a record batch holds more than one conversation. */
    @ParameterizedTest
    @EnumSource
    void arrowFilesAreReadByRanges(RemoteFiles files) throws IOException {
        String uri = files.newFolder();
        HiddenStateStore store = HiddenStateStore.create(uri, files.conf(),
                Stores.settings(Container.ARROW, Codec.of("bf16"), TeacherRows.STRICT, 1024, 1));
        List<Stores.Sample> samples = Stores.samples(seed, 1024, 1, 2000, 300, 700);
        CommittedShard shard = Stores.commit(store, 0, samples);
        try (ShardReader inOrder = store.reader(shard); ShardReader single = store.reader(shard); Scope scope = Scope.open()) {
            for (int i : new int[] {3, 0, 1, 2}) {
                assertArrayEquals(samples.get(i).aux(), single.read(shard.conversations().get(i)).aux().toFloats(), "seed " + seed);
            }
            for (Stores.Sample sample : samples) {
                assertArrayEquals(sample.aux(), inOrder.next().orElseThrow().aux().toFloats(), "seed " + seed);
            }
        }
        assertEquals(List.of(), StoreVerification.of(store.complete()).problems());
        try (ShardReader some = store.reader(shard, new StateSelection(List.of(4), false)); Scope scope = Scope.open()) {
            assertArrayEquals(new long[] {2000, 1024}, some.read(shard.conversations().get(1)).aux().shape());
        }
    }

    /** What a store takes is compared with what its file system can take, without making a folder there. */
    @ParameterizedTest
    @EnumSource
    void knowsHowMuchFits(RemoteFiles files) throws IOException {
        String uri = files.newFolder();
        FileSystem fs = new Path(uri).getFileSystem(files.conf());
        long free = HiddenStateStore.freeBytes(uri + "/store", files.conf());
        if (files == RemoteFiles.S3) {
            assertEquals(Long.MAX_VALUE, free);
        } else {
            long raw = fs.getStatus().getRemaining();
            assertEquals(3, fs.getDefaultReplication(new Path(uri)));
            assertEquals(raw / 3.0, free, raw / 10.0);
        }
        assertFalse(fs.exists(new Path(uri)));
    }

    private static List<String> ids(HiddenStateStore store, CommittedShard shard) {
        List<String> ids = new ArrayList<>();
        try (ShardReader reader = store.reader(shard)) {
            for (Optional<StoredConversation> c = reader.next(); c.isPresent(); c = reader.next()) {
                ids.add(c.get().id());
            }
        }
        return ids;
    }

    /** What reading the only shard fails with. */
    private static String problem(RemoteFiles files, String uri) {
        return assertThrows(InvalidStoreException.class, () -> {
            HiddenStateStore store = HiddenStateStore.open(uri, files.conf());
            ids(store, store.shards().get(0));
        }).getMessage();
    }

    private static byte[] read(FileSystem fs, Path file) throws IOException {
        try (InputStream in = fs.open(file)) {
            return in.readAllBytes();
        }
    }

    private static void write(FileSystem fs, Path file, byte[] content) throws IOException {
        try (OutputStream out = fs.create(file, true)) {
            out.write(content);
        }
    }

    private static List<String> names(RemoteFiles files, String uri, String folder) throws IOException {
        Path path = new Path(uri, folder);
        List<String> names = new ArrayList<>();
        for (var status : path.getFileSystem(files.conf()).listStatus(path)) {
            names.add(status.getPath().getName());
        }
        return names;
    }
}
