package dev.aerie.gang;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.aerie.errors.RefusalException;
import dev.aerie.testing.LocalCluster;
import dev.aerie.torch.LibTorch;
import dev.aerie.torch.Tensor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Two ranks in two executor JVMs: what each kind of failure does to them, and that the work is done in the end. */
@Timeout(180)
class GangIT {

    private static final int STEPS = 8;
    private static final int FAULT_AT = 5;

    private enum Fault { NONE, THROW, DEFECT, HALT, HANG, REFUSE, ALWAYS }

    @TempDir
    Path folder;

    private final List<String> lines = Collections.synchronizedList(new ArrayList<>());
    private final List<String> retries = Collections.synchronizedList(new ArrayList<>());

    private GangObserver<String> observer() {
        return new GangObserver<>() {
            @Override
            public void reported(int rank, long step, String line) {
                lines.add(rank + "@" + step + ":" + line);
            }

            @Override
            public long progress() {
                return committed(folder.toString());
            }

            @Override
            public void retrying(int attempt, String reason) {
                retries.add(attempt + ": " + reason);
            }
        };
    }

    /** Only the rank that hangs is waited for in vain: the others may be as slow as the machine is. */
    private static GangSettings settings(Fault fault) {
        Duration minute = Duration.ofSeconds(60);
        return new GangSettings(2, 4, Duration.ofMillis(200), minute, fault == Fault.HANG ? Duration.ofSeconds(6) : minute,
                minute);
    }

    private List<String> run(Fault fault) {
        String path = folder.toString();
        return Gang.run(LocalCluster.session().sparkContext(), "test", settings(fault), new TextCodec(), c ->
                work(c, fault, path), observer());
    }

    private static long committed(String folder) {
        try {
            Path file = Path.of(folder, "step");
            return Files.exists(file) ? Long.parseLong(Files.readString(file)) : 0;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** True once for a folder. */
    private static boolean isFirst(String folder) throws IOException {
        try {
            Files.createFile(Path.of(folder, "struck"));
            return true;
        } catch (FileAlreadyExistsException again) {
            return false;
        }
    }

    /** Adds 1 on every rank in every step, from the last step that rank 0 has written down. */
    private static String work(RankContext<String> context, Fault fault, String folder) throws Exception {
        LibTorch.setThreads(1);
        long first = committed(folder);
        context.collective().barrier();
        Tensor sum = Tensor.of(new float[100_001], 100_001);
        for (long step = first; step < STEPS; step++) {
            context.step(step);
            boolean strike = context.rank() == 1 && step == FAULT_AT && (fault == Fault.ALWAYS || isFirst(folder));
            if (strike && fault == Fault.REFUSE) {
                throw new RefusalException("Invalid shard: 7 (expected 8)");
            } else if (strike && (fault == Fault.THROW || fault == Fault.ALWAYS)) {
                throw new IllegalStateException("boom");
            } else if (strike && fault == Fault.DEFECT) {
                throw new IllegalArgumentException("Invalid rows: 7 (expected 8)");
            } else if (strike && fault == Fault.HALT) {
                Runtime.getRuntime().halt(137);
            } else if (strike && fault == Fault.HANG) {
                Thread.sleep(600_000);
            }
            Tensor one = Tensor.of(new float[] {1}, 1);
            sum.narrow(0, 100_000, 1).copy_(one);
            context.collective().allReduce(sum);
            assertEquals(2, sum.toFloats()[100_000]);
            if (context.rank() == 0) {
                Path temporary = Path.of(folder, "step.tmp");
                Files.writeString(temporary, String.valueOf(step + 1));
                Files.move(temporary, Path.of(folder, "step"), StandardCopyOption.ATOMIC_MOVE);
                context.report("done");
            }
        }
        return "rank " + context.rank() + " of " + context.size() + " from " + first;
    }

    @Test
    void ranksWorkTogetherAndReportWhileTheyRun() {
        assertEquals(List.of("rank 0 of 2 from 0", "rank 1 of 2 from 0"), run(Fault.NONE));
        assertEquals(STEPS, lines.size());
        assertEquals("0@7:done", lines.get(7));
    }

    @Test
    void aRankThatThrowsIsNamedAndTheGangGoesOnFromWhereItWas() {
        assertEquals(List.of("rank 0 of 2 from 5", "rank 1 of 2 from 5"), run(Fault.THROW));
        assertEquals(List.of("2: Rank 1 at step 5: java.lang.IllegalStateException: boom"), retries);
    }

    @Test
    void aRankThatBreaksAContractIsTriedAgain() {
        assertEquals(List.of("rank 0 of 2 from 5", "rank 1 of 2 from 5"), run(Fault.DEFECT));
        assertEquals(List.of("2: Rank 1 at step 5: java.lang.IllegalArgumentException: Invalid rows: 7 (expected 8)"), retries);
    }

    @Test
    void aRankWhoseProcessDiesIsNamedAndReplaced() {
        assertEquals(List.of("rank 0 of 2 from 5", "rank 1 of 2 from 5"), run(Fault.HALT));
        assertEquals(1, retries.size());
        assertTrue(retries.get(0).startsWith("2: Rank 1 at step 5: its process ended"), retries.get(0));
    }

    @Test
    void aRankThatHangsIsNamedAfterTheDeadline() {
        assertEquals(List.of("rank 0 of 2 from 5", "rank 1 of 2 from 5"), run(Fault.HANG));
        assertEquals(1, retries.size());
        assertTrue(retries.get(0).startsWith("2: Rank 0 at step 5 lost rank 1 ("), retries.get(0));
        assertTrue(retries.get(0).endsWith("nothing came for 6 s"), retries.get(0));
    }

    @Test
    void aLoneRankThatHangsIsEndedByTheDriver() {
        Duration silence = Duration.ofSeconds(3);
        GangSettings one = new GangSettings(1, 2, Duration.ofMillis(100), silence, silence, silence);
        String path = folder.toString();
        List<String> out = Gang.run(LocalCluster.session().sparkContext(), "test", one, new TextCodec(), c -> {
            c.step(1);
            if (isFirst(path)) {
                Thread.sleep(600_000);
            }
            return "done";
        }, observer());
        assertEquals(List.of("done"), out);
        assertEquals(List.of("2: no rank reported anything for 3 s"), retries);
    }

    @Test
    void aRefusalIsNotTriedAgain() {
        String message = assertThrows(RefusalException.class, () -> run(Fault.REFUSE)).getMessage();
        assertEquals("Rank 1 at step 5: Invalid shard: 7 (expected 8)", message);
        assertEquals(List.of(), retries);
    }

    @Test
    void twoAttemptsWithoutProgressAreTheLast() {
        String message = assertThrows(GangException.class, () -> run(Fault.ALWAYS)).getMessage();
        assertEquals("test failed: 2 attempts in a row made no progress beyond step 5. "
                + "Rank 1 at step 5: java.lang.IllegalStateException: boom", message);
        assertEquals(2, retries.size());
    }
}
