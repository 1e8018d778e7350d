package dev.aerie.target;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.aerie.errors.RefusalException;
import dev.aerie.torch.DType;
import dev.aerie.torch.Device;
import java.util.Random;
import org.junit.jupiter.api.Test;

class SamplingTest {

    private static final float[] LOGITS = {
        (float) Math.log(0.1), (float) Math.log(0.4), (float) Math.log(0.2), (float) Math.log(0.3)};

    @Test
    void greedyTakesTheFirstOfTheLargest() {
        assertEquals(1, Sampling.GREEDY.choose(new float[] {1, 3, 3, 2}, null));
        assertArrayEquals(new double[] {0, 1, 0, 0}, Sampling.GREEDY.probabilities(LOGITS));
    }

    @Test
    void temperatureTopKAndTopPShapeTheDistribution() {
        assertArrayEquals(new double[] {0.1, 0.4, 0.2, 0.3}, new Sampling(1, 0, 1).probabilities(LOGITS), 1e-7);
        assertArrayEquals(new double[] {1 / 30.0, 16 / 30.0, 4 / 30.0, 9 / 30.0},
                new Sampling(0.5, 0, 1).probabilities(LOGITS), 1e-7);
        assertArrayEquals(new double[] {0, 4 / 7.0, 0, 3 / 7.0}, new Sampling(1, 2, 1).probabilities(LOGITS), 1e-7);
        assertArrayEquals(new double[] {0, 4 / 9.0, 2 / 9.0, 3 / 9.0}, new Sampling(1, 0, 0.75).probabilities(LOGITS), 1e-7);
        assertArrayEquals(new double[] {0, 1, 0, 0}, new Sampling(1, 0, 0.01).probabilities(LOGITS));
    }

    @Test
    void drawsFollowTheDistribution() {
        Random random = new Random(51);
        int[] counts = new int[4];
        for (int i = 0; i < 20_000; i++) {
            counts[new Sampling(1, 0, 1).choose(LOGITS, random)]++;
        }
        for (int i = 0; i < 4; i++) {
            assertEquals(Math.exp(LOGITS[i]), counts[i] / 20_000.0, 0.015, "seed 51");
        }
    }

    @Test
    void oneSeedGivesOneText() {
        try (Target target = Target.load(TestModel.FOLDER, DType.F32, Device.CPU)) {
            long[] first = new Generator(target, new Sampling(1, 0, 1), new Random(3)).generate(new long[] {5}, 12);
            assertArrayEquals(first, new Generator(target, new Sampling(1, 0, 1), new Random(3)).generate(new long[] {5}, 12));
        }
    }

    @Test
    void wrongSettingsAreNamed() {
        assertEquals("Invalid temperature: -1.0 (expected 0 or more)",
                assertThrows(RefusalException.class, () -> new Sampling(-1, 0, 1)).getMessage());
        assertEquals("Invalid top_p: 0.0 (expected above 0 and at most 1)",
                assertThrows(RefusalException.class, () -> new Sampling(1, 0, 0)).getMessage());
    }
}
