package dev.aerie.spark;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.aerie.torch.Device;
import org.junit.jupiter.api.Test;

class TaskDeviceTest {

    @Test
    void followsTheAddressAndTheRenumberingOfCuda() {
        assertEquals(Device.CPU, TaskDevice.device("3", 0, null));
        assertEquals(Device.cuda(3), TaskDevice.device("3", 4, null));
        assertEquals(Device.cuda(1), TaskDevice.device("3", 2, "2, 3"));
        assertEquals(Device.cuda(0), TaskDevice.device("GPU-5a", 1, "GPU-5a"));
        assertThrows(IllegalStateException.class, () -> TaskDevice.device("3", 2, null));
        assertThrows(IllegalStateException.class, () -> TaskDevice.device("GPU-5a", 2, ""));
    }
}
