package dev.aerie.prepare;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class CaptureObserverTest {

    @Test
    void saysHowFarHowFastAndHowLong() {
        CaptureObserver progress = new CaptureObserver(1, 10_000, System.out);
        assertEquals("prepare: 0 of 10,000 tokens (0.0 %), 0 tokens/s, unknown time left", progress.line(1_000_000_000L));
        assertEquals("1:02:03", CaptureObserver.clock(3723));
    }
}
