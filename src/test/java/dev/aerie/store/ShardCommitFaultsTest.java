package dev.aerie.store;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.aerie.testing.FaultyFileSystem;
import dev.aerie.testing.FaultyFileSystem.When;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whichever call of a commit fails, no marker names a file that is not there, and another attempt finishes the shard. */
class ShardCommitFaultsTest {

    @TempDir
    Path temporary;

    @AfterEach
    void sound() {
        FaultyFileSystem.fail(0, When.BEFORE);
    }

    @ParameterizedTest
    @ValueSource(strings = {"file", "hdfs", "s3a", "objects", "shown"})
    void everyCallOfACommit(String scheme) throws IOException {
        Configuration conf = FaultyFileSystem.serving(scheme);
        List<Stores.Sample> samples = Stores.samples(5, 8, 300);
        for (When when : When.values()) {
            for (int call = 1;; call++) {
                FaultyFileSystem.fail(0, when);
                Path place = temporary.resolve(scheme + when + call);
                String uri = scheme + "://" + place;
                HiddenStateStore store =
                        HiddenStateStore.create(uri, conf, Stores.settings(Codec.of("bf16"), TeacherRows.STRICT, 8, 1));
                FaultyFileSystem.fail(call, when);
                try {
                    Stores.commit(store, 0, samples);
                } catch (IOException injected) {
                    // The gang or Spark tries again.
                }
                boolean ended = FaultyFileSystem.calls() < call;
                FaultyFileSystem.fail(0, when);
                Path marker = place.resolve("_committed/shard-00000.json");
                if (Files.exists(marker)) {
                    CommittedShard named = StoreJson.read(Files.readAllBytes(marker), CommittedShard.class, "marker");
                    assertEquals(named.bytes(), Files.size(place.resolve(named.path())), when + " at call " + call);
                }
                HiddenStateStore.attempt(uri, conf, 0).ifPresent(writer -> {
                    try (writer) {
                        Stores.write(writer, samples.get(0));
                        writer.commit();
                    } catch (IOException e) {
                        throw new java.io.UncheckedIOException(e);
                    }
                });
                HiddenStateStore whole = HiddenStateStore.openPartial(uri, conf).complete();
                whole.removeOrphans();
                assertEquals(List.of(), StoreVerification.of(whole).problems(), when + " at call " + call);
                if (ended) {
                    assertTrue(call > 5);
                    break;
                }
            }
        }
    }
}
