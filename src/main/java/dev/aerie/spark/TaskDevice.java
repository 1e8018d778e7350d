package dev.aerie.spark;

import dev.aerie.torch.Device;
import dev.aerie.torch.LibTorch;
import java.util.Arrays;
import java.util.List;
import org.apache.spark.TaskContext;
import org.apache.spark.resource.ResourceInformation;

/** The device that Spark's scheduler gave a task. */
public final class TaskDevice {

    private static final String RESOURCE = "gpu";

    private TaskDevice() {}

    /**
     * Returns the device that a task computes on.
     *
     * @throws IllegalStateException where the task has no CUDA device and one is asked for
     */
    public static Device of(TaskContext task, DeviceChoice wanted) {
        Device device = wanted == DeviceChoice.CPU ? Device.CPU : assigned(task);
        if (wanted == DeviceChoice.CUDA && device.isCpu()) {
            throw new IllegalStateException("Invalid device: cuda (expected a gpu given to the task by Spark, and a CUDA build of"
                    + " libtorch)");
        }
        return device;
    }

    private static Device assigned(TaskContext task) {
        ResourceInformation gpu = task.resourcesJMap().get(RESOURCE);
        if (gpu == null || gpu.addresses().length == 0) {
            return Device.CPU;
        }
        return device(gpu.addresses()[0], LibTorch.cudaDevices(), System.getenv("CUDA_VISIBLE_DEVICES"));
    }

    static Device device(String address, int devices, String visible) {
        if (devices == 0) {
            return Device.CPU;
        }
        // CUDA renumbers the visible devices from zero; Spark does not.
        List<String> list = visible == null || visible.isBlank() ? List.of() : Arrays.asList(visible.strip().split("\\s*,\\s*"));
        int index = list.contains(address) ? list.indexOf(address) : parse(address);
        if (index < 0 || index >= devices) {
            throw new IllegalStateException("Invalid gpu address: " + address + " (expected one of the " + devices
                    + " devices that libtorch sees, CUDA_VISIBLE_DEVICES=" + visible + ")");
        }
        return Device.cuda(index);
    }

    private static int parse(String address) {
        try {
            return Integer.parseInt(address);
        } catch (NumberFormatException e) {
            return -1;
        }
    }
}
