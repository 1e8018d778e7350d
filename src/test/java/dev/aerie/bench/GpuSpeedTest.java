package dev.aerie.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.aerie.target.Residency;
import dev.aerie.torch.Device;
import java.io.IOException;
import org.junit.jupiter.api.Test;

class GpuSpeedTest {

    @Test
    void countsTheWorkOfAModelOfEightBillion() {
        RandomModel model = RandomModel.EIGHT_BILLION;
        assertEquals(6.98e9, (double) model.layers() * model.layerWeights(), 0.01e9);
        // Two operations a weight, and an average of 1,024.5 keys in each of 32 heads of 128, for queries and for values.
        assertEquals(2 * 6.98e9 + 32 * 4.0 * 4096 * 1024.5, model.flops(2048) / 2048, 0.02e9);
    }

    @Test
    void runsOnTheCpuInASmallShape() throws IOException {
        for (Residency residency : new Residency[] {Residency.RESIDENT, Residency.STREAMED}) {
            GpuSpeed.Report report = GpuSpeed.run(RandomModel.TINY, Device.CPU, residency, 64, 2, 1);
            assertTrue(report.tokensPerSecond() > 0);
            assertTrue(report.mfu(1e15) > 0 && report.mfu(1e15) < 1);
        }
    }
}
