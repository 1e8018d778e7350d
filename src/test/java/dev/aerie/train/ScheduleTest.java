package dev.aerie.train;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class ScheduleTest {

    @Test
    void warmsUpAndFallsAlongACosine() {
        assertEquals(0.25, Schedule.COSINE.factor(0, 100, 0.04), 1e-15);
        assertEquals(1, Schedule.COSINE.factor(3, 100, 0.04), 1e-15);
        assertEquals(1, Schedule.COSINE.factor(4, 100, 0.04), 1e-15);
        assertEquals(0.5, Schedule.COSINE.factor(52, 100, 0.04), 1e-15);
        assertEquals(0.5 * (1 + Math.cos(Math.PI * 95 / 96)), Schedule.COSINE.factor(99, 100, 0.04), 1e-15);
    }

    @Test
    void constantStaysAfterTheWarmUp() {
        assertEquals(0.5, Schedule.CONSTANT.factor(0, 100, 0.02), 1e-15);
        assertEquals(1, Schedule.CONSTANT.factor(99, 100, 0.02), 1e-15);
        assertEquals(1, Schedule.CONSTANT.factor(0, 10, 0.015), 1e-15);
    }
}
