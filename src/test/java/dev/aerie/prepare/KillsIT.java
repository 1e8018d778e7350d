package dev.aerie.prepare;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.aerie.bench.kills.Kills;
import dev.aerie.bench.kills.PrepareSubject;
import dev.aerie.testing.LocalSpark;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A few of the kills of {@code jobs/bench kills prepare 50 20}, at other moments each time. */
class KillsIT {

    @TempDir
    Path folder;

    @Test
    @Timeout(value = 900, unit = TimeUnit.SECONDS)
    void whatKilledRunsOfPrepareLeaveIsWhatAnUndisturbedOneLeaves() throws Exception {
        LocalSpark.session();
        ByteArrayOutputStream told = new ByteArrayOutputStream();
        try (PrintStream out = new PrintStream(told, true, StandardCharsets.UTF_8)) {
            Kills kills = new Kills(new PrepareSubject(Path.of("quickstart", "model")), folder, new Random().nextLong(), out);
            boolean same = kills.run(3, 1);
            assertTrue(same, told.toString(StandardCharsets.UTF_8));
        } finally {
            System.out.print(told.toString(StandardCharsets.UTF_8));
        }
    }
}
