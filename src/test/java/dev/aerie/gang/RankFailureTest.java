package dev.aerie.gang;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.aerie.errors.RefusalException;
import java.io.FileNotFoundException;
import java.io.IOException;
import org.junit.jupiter.api.Test;

class RankFailureTest {

    private static RankFailure.Kind kind(Throwable cause) {
        return RankFailure.of(1, 7, cause).kind();
    }

    @Test
    void tellsWhatTryingAgainCannotHelp() {
        assertEquals(RankFailure.Kind.REFUSED, kind(new RefusalException("Invalid shard")));
        assertEquals(RankFailure.Kind.REFUSED, kind(new RefusalException("Invalid shard", new FileNotFoundException("x"))));
        assertEquals(RankFailure.Kind.FAILED, kind(new RefusalException("Invalid shard", new IOException("reset by peer"))));
        assertEquals(RankFailure.Kind.DEFECT, kind(new IllegalArgumentException("Invalid training batch")));
        assertEquals(RankFailure.Kind.FAILED, kind(assertThrows(NumberFormatException.class, () -> Integer.parseInt("x"))));
        assertEquals(RankFailure.Kind.FAILED, kind(new OutOfMemoryError()));
        assertEquals(RankFailure.Kind.PEER, kind(new CollectiveException("Rank 1 lost rank 0")));
        assertEquals(RankFailure.Kind.KILLED, kind(new InterruptedException()));
    }

    @Test
    void namesRankAndStepOnce() {
        CollectiveException lost = new CollectiveException("Rank 1 lost rank 0 (a:1) in all-gather 3: it closed the connection");
        assertEquals("Rank 1 at step 7 lost rank 0 (a:1) in all-gather 3: it closed the connection",
                RankFailure.of(1, 7, lost).getMessage());
        assertEquals("Rank 1 before its first step: Invalid store",
                RankFailure.of(1, -1, new RefusalException("Invalid store")).getMessage());
        RankFailure sent = RankFailure.of(1, 7, new IllegalStateException("boom"));
        assertEquals("Rank 1 at step 7: java.lang.IllegalStateException: boom", sent.getMessage());
    }
}
