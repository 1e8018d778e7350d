package dev.aerie.gang;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class RankReportsTest {

    private static final GangObserver<String> NOBODY = new GangObserver<>() {
        @Override
        public void reported(int rank, long step, String line) {}

        @Override
        public long progress() {
            return 0;
        }

        @Override
        public void retrying(int attempt, String reason) {}
    };

    @Test
    void aRankThatIsToldToEndIsNotTakenForOneThatDied() throws Exception {
        try (DriverReports<String> driver =
                new DriverReports<>("127.0.0.1", "127.0.0.1", ListenPorts.ANY, new TextCodec(), NOBODY);
                RankReports rank = RankReports.connect(driver.address(), 3, Duration.ofSeconds(20))) {
            rank.begin(7);
            Thread.currentThread().interrupt();
            rank.fail(new InterruptedException());
            assertTrue(Thread.interrupted(), "the interrupt is still there for Spark");
            Deadline deadline = Deadline.in(Duration.ofSeconds(20));
            while (driver.failure().isEmpty() && !deadline.passed()) {
                Thread.sleep(10);
            }
            assertEquals(RankFailure.Kind.KILLED, driver.failure().orElseThrow().kind());
        }
    }
}
