package dev.aerie.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.aerie.draft.DraftConfig;
import dev.aerie.draft.DraftParameters;
import dev.aerie.files.Folder;
import dev.aerie.testing.FaultyFileSystem;
import dev.aerie.testing.FaultyFileSystem.When;
import dev.aerie.torch.Device;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whichever call of a checkpoint's commit fails, the newest checkpoint is whole, and committing it again succeeds. */
class CheckpointFaultsIT {

    private static final long BEFORE = 4;
    private static final long AFTER = 8;
    private static final DraftConfig CONFIG = TrainedDrafts.config(24);

    @TempDir
    Path temporary;

    @TempDir
    Path scratch;

    @AfterEach
    void sound() {
        FaultyFileSystem.fail(0, When.BEFORE);
    }

    @ParameterizedTest
    @ValueSource(strings = {"file", "hdfs", "s3a", "objects", "shown"})
    void everyCallOfACommit(String scheme) throws IOException {
        Configuration conf = FaultyFileSystem.serving(scheme);
        for (When when : When.values()) {
            boolean ended = false;
            for (int call = 1; !ended; call++) {
                FaultyFileSystem.fail(0, when);
                String output = scheme + "://" + temporary.resolve(scheme + when + call);
                TrainedDrafts.commit(output, conf, CONFIG, BEFORE);
                Folder folder = Folder.at(output, conf);
                Checkpoints checkpoints = new Checkpoints(folder);
                Claim claim = Claim.take(folder);

                FaultyFileSystem.fail(call, when);
                boolean succeeded = true;
                try {
                    TrainedDrafts.commit(checkpoints, claim, CONFIG, AFTER, 1);
                } catch (IOException injected) {
                    succeeded = false;
                }
                ended = FaultyFileSystem.calls() < call;
                FaultyFileSystem.fail(0, when);

                String what = scheme + ", " + when + " at call " + call;
                long step = checkpoints.latestStep();
                assertTrue(step == AFTER || !succeeded && step == BEFORE, what + ": step " + step);
                assertWhole(checkpoints, step, what);

                // As the next attempt does, which begins with whatever there is.
                TrainedDrafts.commit(checkpoints, Claim.take(folder), CONFIG, AFTER, 1);
                assertEquals(AFTER, checkpoints.latestStep(), what);
                assertWhole(checkpoints, AFTER, what);
                assertEquals(List.of("_committed", checkpoints.read(AFTER).folder()), folder.names("checkpoints"), what);
                assertTrue(!ended || call > 10, what);
            }
        }
    }

    /** Parameters and both moments are those of one step. */
    private void assertWhole(Checkpoints checkpoints, long step, String what) throws IOException {
        CheckpointInfo info = checkpoints.read(step);
        try (Scope scope = Scope.open();
                DraftParameters expected = DraftParameters.random(CONFIG, step, Device.CPU);
                DraftParameters found = checkpoints.parameters(info, checkpoints.config(info), Device.CPU)) {
            long count = expected.layout().size();
            assertArrayEquals(expected.flat().toFloats(), found.flat().toFloats(), what);
            assertArrayEquals(Tensor.randomNormal(step + 1, 1, count).toFloats(),
                    checkpoints.read(info, Checkpoints.Content.MEAN, expected.layout(), scratch).toFloats(), what);
            assertArrayEquals(Tensor.randomNormal(step + 2, 1, count).toFloats(),
                    checkpoints.read(info, Checkpoints.Content.SQUARE_MEAN, expected.layout(), scratch).toFloats(), what);
            assertArrayEquals(new int[] {1, 5, 9}, checkpoints.vocabulary(info).ids(), what);
        }
    }
}
